using System.Diagnostics.CodeAnalysis;

namespace Grpc.Core;

/// <summary>
/// Names the static method <c>void BindMethodName(ServiceBinderBase, TService)</c> that registers a service's methods.
/// Found on the service type or the nearest of its base types.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = true)]
public sealed class BindServiceMethodAttribute : Attribute
{
    private const DynamicallyAccessedMemberTypes Bindable =
        DynamicallyAccessedMemberTypes.PublicMethods
        | DynamicallyAccessedMemberTypes.NonPublicMethods
        | DynamicallyAccessedMemberTypes.PublicProperties;

    public BindServiceMethodAttribute([DynamicallyAccessedMembers(Bindable)] Type bindType, string bindMethodName)
    {
        BindType = bindType;
        BindMethodName = bindMethodName;
    }

    [DynamicallyAccessedMembers(Bindable)]
    public Type BindType { get; }

    public string BindMethodName { get; }
}
