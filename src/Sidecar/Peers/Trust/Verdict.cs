namespace Sidecar.Peers.Trust;

/// <summary>What became of a certificate.</summary>
/// <param name="Identity">The name for which it is trusted; null when it is not.</param>
/// <param name="Refusal">Why it is not trusted, to follow a name; empty when it is.</param>
internal sealed record Verdict(string? Identity, string Refusal)
{
    public static Verdict Trusted(string identity) => new(identity, "");

    public static Verdict Refused(string why) => new(null, why);
}
