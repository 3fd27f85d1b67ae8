using System.Text.Json.Serialization;

namespace Sidecar.Peers.Membership;

/// <summary>A member as it is kept over restarts of this pod.</summary>
/// <param name="Name">Of its pod; null when nobody told it yet.</param>
/// <param name="AbsentSince">Since when its record is gone; null when it was there last.</param>
internal sealed record RememberedPeer(string? Name, string Host, int Port, DateTimeOffset? AbsentSince)
{
    public static RememberedPeer Of(Peer peer) =>
        new(peer.State.Name, peer.Address.Host, peer.Address.Port, peer.State.AbsentSince);
}

/// <summary><c>peers.json</c>. Its property names are on disk: rename none.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(List<RememberedPeer>))]
internal sealed partial class PeersJson : JsonSerializerContext;
