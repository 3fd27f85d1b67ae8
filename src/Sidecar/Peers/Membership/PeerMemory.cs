using System.Text.Json;
using Sidecar.Peers.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Peers.Membership;

/// <summary>
/// The members in a file, so that a pod that was restarted while a peer is down, and thus in no record, still knows
/// that there is one who may own an image. Peers that the configuration lists need none.
/// </summary>
internal sealed class PeerMemory(string? path, ILogger logger)
{
    private readonly Lock _lock = new();
    private List<RememberedPeer> _kept = [];

    /// <summary>What was kept; nothing when there is no file, or it cannot be read.</summary>
    public IReadOnlyList<RememberedPeer> Load()
    {
        if (path is null || Posix.TryStatus(path) is null) return [];
        try
        {
            return _kept = RecordFile.Read(path, PeersJson.Default.ListRememberedPeer, Flaw);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            PeersLog.MembersNotRead(logger, path, failure.Message);
            return [];
        }
    }

    private static string? Flaw(List<RememberedPeer> kept) =>
        kept.Any(peer => peer is not { Host.Length: > 0, Port: > 0 and <= ushort.MaxValue })
            ? "it holds a peer without host or port" : null;

    /// <summary>Makes it durable when it is another than the one that was kept last.</summary>
    public void Keep(IEnumerable<Peer> members)
    {
        if (path is null) return;
        lock (_lock)
        {
            var now = members.Where(peer => peer.State.LeftAs is null).Select(RememberedPeer.Of)
                .OrderBy(peer => peer.Name, StringComparer.Ordinal).ThenBy(peer => peer.Host, StringComparer.Ordinal).ToList();
            if (now.SequenceEqual(_kept)) return;
            try
            {
                DurableFiles.Replace(path, JsonSerializer.SerializeToUtf8Bytes(now, PeersJson.Default.ListRememberedPeer));
                _kept = now;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // Tried again with the next change; until then only a restart would miss it.
                PeersLog.MembersNotKept(logger, path, failure.Message);
            }
        }
    }
}
