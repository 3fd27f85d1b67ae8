using System.Net.Security;

namespace Sidecar.Peers.Trust;

/// <summary>
/// A TLS stream that has words for the one refusal that TLS 1.3 has none for: the other side looks at this side's
/// certificate only after the handshake is over here, and then just hangs up.
/// </summary>
internal sealed class PeerTlsStream(Stream plain) : SslStream(plain, leaveInnerStreamOpen: false)
{
    private const string Refused =
        "it closed the connection right after the handshake: it does not trust this pod's certificate, its log says why";

    private volatile bool _heard;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _heard ? base.ReadAsync(buffer, cancellationToken) : ReadFirstAsync(buffer, cancellationToken);

    private async ValueTask<int> ReadFirstAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            var read = await base.ReadAsync(buffer, cancellationToken);
            if (read == 0 && buffer.Length > 0) throw new IOException(Refused);
            _heard = read > 0;
            return read;
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException)
        {
            throw new IOException(Refused);
        }
    }

    // The request is written at the same time, and fails first as often as not.
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _heard ? base.WriteAsync(buffer, cancellationToken) : WriteFirstAsync(buffer, cancellationToken);

    private async ValueTask WriteFirstAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            await base.WriteAsync(buffer, cancellationToken);
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException)
        {
            throw new IOException(Refused);
        }
    }
}
