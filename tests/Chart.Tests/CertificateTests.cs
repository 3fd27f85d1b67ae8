using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Chart.Tests.Rendering;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure.Network;
using Sidecar.Peers.Core;
using Sidecar.Peers.Trust;

namespace Chart.Tests;

/// <summary>The certificate that the chart asks for is one that the daemon's own rule trusts.</summary>
internal sealed class CertificateTests : ChartTest
{
    [TestCase("operator")]
    [TestCase("standalone")]
    public async Task Certificate_IsTrustedByPeers(string set)
    {
        var manifests = await Renderer.ManifestsAsync(set);
        var certificate = manifests.Certificate!;
        var name = certificate["dnsNames"]!.AsArray().Single().Text();
        using var authority = new TestAuthority();
        using var chain = new X509Chain();
        var verdict = new TrustRules(Options(manifests)).Check(authority.Issue(name), chain, SslPolicyErrors.None);
        Assert.That(verdict.Identity, Is.EqualTo(name));
        // The daemon checks both uses, as each pod is client and server.
        Assert.That(certificate["usages"]!.AsArray().Select(use => use.Text()),
            Is.SupersetOf(new[] { "server auth", "client auth" }));
    }

    [Test]
    public async Task Pods_MountTheSecretThatTheCertificateIsWrittenTo()
    {
        foreach (var set in (string[])["operator", "standalone"])
        {
            var manifests = await Renderer.ManifestsAsync(set);
            var written = manifests.Certificate!["secretName"];
            var mounted = (await manifests.PodSpecAsync())["volumes"]!.AsArray()
                .Single(volume => volume!["secret"] is not null)!["secret"]!["secretName"];
            Assert.That(Json.Same(written, mounted), Is.True, set);
        }
    }

    private static PeersOptions Options(Manifests manifests)
    {
        var config = JsonNode.Parse(manifests.Config)!;
        return new PeersOptions { Service = config["Peers"]!["Service"].Text() };
    }
}
