using System.Text.Json.Nodes;
using Glance.Sidecar.V1;
using Grpc.Health.V1;
using Stagectl.Connection;
using Stagectl.Output;

namespace Stagectl.Survey;

/// <summary>A sidecar at one moment: health, space, and what is going on.</summary>
internal sealed record PodStatus(
    string Server, HealthCheckResponse Health, Capacity Capacity, IReadOnlyList<Upload> Uploads,
    IReadOnlyList<Import> Imports, IReadOnlyList<Peer> Peers, Condition Condition)
{
    /// <summary>Looks at everything at once. Of the imports only those that wait or run.</summary>
    public static async Task<PodStatus> TakeAsync(Invocation invocation)
    {
        var client = invocation.Client;
        using var uploads = client.Staging.ListUploads(new ListUploadsRequest(), invocation.Call);
        using var imports = client.Imports.ListImports(new ListImportsRequest(), invocation.Call);
        using var health = client.Health.CheckAsync(new HealthCheckRequest(), invocation.Call);
        using var capacity = client.Staging.GetCapacityAsync(new GetCapacityRequest(), invocation.Call);
        using var peers = client.Peers.ListPeersAsync(new ListPeersRequest(), invocation.Call);
        var under = await imports.ResponseStream.ToListAsync(invocation);
        under.RemoveAll(import => import.State is not (Import.Types.State.Queued or Import.Types.State.Running));
        var pods = await peers;
        return new PodStatus(
            client.Address.ToString(), await health, await capacity, await uploads.ResponseStream.ToListAsync(invocation),
            under, pods.Peers, pods.Self?.Condition ?? new Condition()); // a daemon of before has none
    }

    public JsonObject ToJson() => new()
    {
        ["server"] = Server,
        ["health"] = ProtoJson.Node(Health)["status"]!.DeepClone(),
        ["capacity"] = ProtoJson.Node(Capacity),
        ["uploads"] = new JsonArray([.. Uploads.Select(ProtoJson.Node)]),
        ["imports"] = new JsonArray([.. Imports.Select(ProtoJson.Node)]),
        ["peers"] = new JsonArray([.. Peers.Select(ProtoJson.Node)]),
        ["condition"] = ProtoJson.Node(Condition),
    };
}
