using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.Routing.Locating;

namespace Sidecar.Routing.Forwarding;

/// <summary>A call whose answer the owner of an image or an import has.</summary>
/// <param name="Subject">The image or import whose owner is to answer.</param>
/// <param name="Hint">Name of the pod that the caller takes for the owner, or empty.</param>
/// <param name="Forwarded">The hop guard of the message.</param>
internal sealed record RoutedCall(ResourceId Subject, string Hint, Forwarded? Forwarded, ServerCallContext Caller)
{
    /// <summary>An import that is to run where it runs already, even if its image would be found elsewhere.</summary>
    public ResourceId? Import { get; init; }

    /// <summary>Name of the method, as in the API.</summary>
    public string Method { get; } = Caller.Method[(Caller.Method.LastIndexOf('/') + 1)..];

    /// <summary>The caller's request id for the log; a dash without one.</summary>
    public string RequestId => Sidecar.Import.Core.Text.OneLine(
        Caller.RequestHeaders.GetValue("x-openstack-request-id") ?? Caller.RequestHeaders.GetValue("x-request-id") ?? "-");
}
