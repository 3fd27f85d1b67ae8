using Sidecar.Peers.Core;

namespace Sidecar.Peers.Trust;

/// <summary>
/// The certificate files cannot be used as they are; the message names the setting, its value and what is allowed.
/// </summary>
internal sealed class CredentialException(string key, string value, string allowed, Exception? inner = null)
    : Exception($"Peers:{key} is '{value}'; allowed: {allowed}{Cause(inner)}.", inner)
{
    private static string Cause(Exception? inner) => inner is null ? "" : $" ({PeerText.OneLine(inner.Message)})";
}
