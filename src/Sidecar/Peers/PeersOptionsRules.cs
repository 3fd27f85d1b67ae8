using System.Net;
using Microsoft.Extensions.Options;
using Sidecar.Peers.Core;
using Sidecar.Peers.Discovery;
using Sidecar.Peers.Trust;

namespace Sidecar.Peers;

/// <summary>What one attribute on one setting cannot say: how they go together, and what the certificate files hold.</summary>
internal sealed class PeersOptionsRules : IValidateOptions<PeersOptions>
{
    public ValidateOptionsResult Validate(string? name, PeersOptions options)
    {
        if (!options.Enabled) return ValidateOptionsResult.Success;
        var failures = Members(options)
            .Concat(options.AllowPlaintext ? Plaintext(options) : Certificates(options).Concat(Trust(options))).ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static IEnumerable<string> Members(PeersOptions options)
    {
        if (options.Service.Length > 0 && options.Static.Count > 0)
            yield return Wrong(nameof(options.Static), string.Join(", ", options.Static), "nothing beside Peers:Service");
        var peers = new List<PeerAddress>();
        foreach (var text in options.Static)
        {
            if (PeerAddress.TryParse(text, out var peer)) peers.Add(peer);
            else yield return Wrong(nameof(options.Static), text, "name=host:port or host:port");
        }

        foreach (var twice in peers.Where(peer => peer.Name is not null).GroupBy(peer => peer.Name).Where(same => same.Count() > 1))
            yield return Wrong(nameof(options.Static), $"{twice.Key}={twice.Last()}", "each name once");
        if (options.DnsServer.Length > 0 && !IPEndPoint.TryParse(options.DnsServer, out _))
            yield return Wrong(nameof(options.DnsServer), options.DnsServer, "an address and port such as 10.96.0.10:53, or nothing");
    }

    private static IEnumerable<string> Plaintext(PeersOptions options)
    {
        if (!IPEndPoint.TryParse(options.Address, out var listener) || !IPAddress.IsLoopback(listener.Address))
            yield return Wrong(nameof(options.Address), options.Address, "a loopback address and port while Peers:AllowPlaintext is set");
        foreach (var (key, value) in Files(options).Where(file => file.Value.Length > 0))
            yield return Wrong(key, value, "nothing while Peers:AllowPlaintext is set");
    }

    private static IEnumerable<string> Certificates(PeersOptions options)
    {
        var missing = Files(options).Where(file => file.Value.Length == 0).ToList();
        foreach (var (key, _) in missing)
            yield return Wrong(key, "", "the absolute path of a PEM file, as peers trust each other by certificates");
        if (missing.Count == 0 && Unusable(options) is { } failure) yield return failure;
    }

    private static IEnumerable<string> Trust(PeersOptions options)
    {
        foreach (var id in options.TrustedSpiffeIds.Where(id => !IsSpiffeId(id)))
            yield return Wrong(nameof(options.TrustedSpiffeIds), id, "SPIFFE ids such as spiffe://cluster.local/ns/openstack/sa/glance");
        if (options.TrustedSpiffeIds.Count == 0 && TrustRules.SuffixOf(options).Length == 0)
            yield return Wrong(nameof(options.TrustedSuffix), "", "a dot and a DNS name, as no Peers:Service gives one");
    }

    private static string? Unusable(PeersOptions options)
    {
        try
        {
            new CredentialFiles(options).Parse();
            return null;
        }
        catch (CredentialException failure)
        {
            return failure.Message;
        }
    }

    private static bool IsSpiffeId(string id) =>
        Uri.TryCreate(id, UriKind.Absolute, out var uri) && uri.Scheme == "spiffe" && uri.Host.Length > 0;

    private static (string Key, string Value)[] Files(PeersOptions options) =>
    [
        (nameof(options.CertificateFile), options.CertificateFile), (nameof(options.KeyFile), options.KeyFile),
        (nameof(options.AuthorityFile), options.AuthorityFile),
    ];

    private static string Wrong(string key, string value, string allowed) => $"Peers:{key} is '{value}'; allowed: {allowed}.";
}
