using Google.Protobuf.Reflection;
using Grpc.Core;

namespace Grpc.AspNetCore.Server;

/// <summary>On every endpoint of a mapped service: which service and method it runs.</summary>
public sealed class GrpcMethodMetadata
{
    internal GrpcMethodMetadata(Type serviceType, IMethod method, ServiceDescriptor? descriptor)
    {
        ServiceType = serviceType;
        Method = method;
        Descriptor = descriptor;
    }

    public Type ServiceType { get; }

    public IMethod Method { get; }

    /// <summary>Null when the service was not generated from a .proto file.</summary>
    internal ServiceDescriptor? Descriptor { get; }
}
