using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;

namespace Grpc.Server;

/// <summary>What <see cref="BindServiceMethodAttribute"/> says about a service type.</summary>
internal static class ServiceBinding
{
    private const BindingFlags Static = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    /// <exception cref="InvalidOperationException">No attribute, or it names no such method.</exception>
    public static void Bind<[DynamicallyAccessedMembers(GrpcEndpointRouteBuilderExtensions.ServiceMembers)] TService>(
        ServiceBinder<TService> binder)
        where TService : class
    {
        var (attribute, owner) = Attributes(typeof(TService)).FirstOrDefault();
        if (attribute is null)
            throw new InvalidOperationException($"{typeof(TService)} has no BindServiceMethod attribute.");

        var bind = attribute.BindType.GetMethod(attribute.BindMethodName, Static, [typeof(ServiceBinderBase), owner])
            ?? throw new InvalidOperationException(
                $"{attribute.BindType} has no static {attribute.BindMethodName}(ServiceBinderBase, {owner.Name}).");
        bind.Invoke(null, [binder, null]);
    }

    /// <summary>The descriptor behind the generated code, or null for a service written by hand.</summary>
    public static ServiceDescriptor? Descriptor(Type service)
    {
        foreach (var (attribute, _) in Attributes(service))
        {
            if (attribute.BindType.GetProperty("Descriptor", BindingFlags.Static | BindingFlags.Public)
                ?.GetValue(null) is ServiceDescriptor descriptor)
            {
                return descriptor;
            }
        }

        return null;
    }

    private static IEnumerable<(BindServiceMethodAttribute Attribute, Type Owner)> Attributes(Type service)
    {
        for (var type = service; type is not null; type = type.BaseType)
        {
            if (type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false) is { } attribute)
                yield return (attribute, type);
        }
    }
}
