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

    private bool _heard;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_heard) return await base.ReadAsync(buffer, cancellationToken);
        try
        {
            var read = await base.ReadAsync(buffer, cancellationToken);
            if (read == 0 && buffer.Length > 0) throw new IOException(Refused);
            _heard = read > 0;
            return read;
        }
        catch (IOException)
        {
            throw new IOException(Refused);
        }
    }
}
