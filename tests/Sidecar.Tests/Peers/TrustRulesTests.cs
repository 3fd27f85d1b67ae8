using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NUnit.Framework;
using Sidecar.Peers.Core;
using Sidecar.Peers.Trust;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Peers;

internal sealed class TrustRulesTests
{
    private const string Id = "spiffe://cluster.local/glance";
    private static readonly string Server = PeerCredentials.ServerUse.Value!;
    private static readonly string Client = PeerCredentials.ClientUse.Value!;

    [TestCase("glance-1.glance.svc")]
    [TestCase("GLANCE-1.Glance.SVC")]
    [TestCase("*.glance.svc")]
    [TestCase("a.b.glance.svc")]
    public void Judge_NameBelowTheService_IsTrusted(string name)
    {
        using var issued = Certificates.Issue(["other.test", name]);
        Assert.That(Judge(issued, new PeersOptions { Service = "glance.svc." }).Identity, Is.EqualTo(name));
    }

    [TestCase("glance.svc")]
    [TestCase("glance-1.glance.svc.evil.test")]
    [TestCase("evilglance.svc")]
    [TestCase("*.svc")]
    [TestCase("spiffe://cluster.local/glance-1.glance.svc")]
    public void Judge_OtherName_IsRefused(string name)
    {
        using var issued = Certificates.Issue([name]);
        var verdict = Judge(issued, new PeersOptions { Service = "glance.svc" });
        Assert.That(verdict.Identity, Is.Null);
        Assert.That(verdict.Refusal, Is.EqualTo($"shows a certificate for {name}, not for *.glance.svc"));
    }

    [Test]
    public void Judge_ListedSpiffeId_IsTrustedWhateverTheDnsName()
    {
        using var issued = Certificates.Issue([Id, "any.test"]);
        Assert.That(Judge(issued, Listed()).Identity, Is.EqualTo(Id));
    }

    [TestCase("spiffe://cluster.local/glance/x")]
    [TestCase("spiffe://cluster.local/Glance")]
    [TestCase("glance-1.glance.svc")]
    [TestCase(Id, "spiffe://cluster.local/other")]
    public void Judge_OtherSpiffeId_IsRefused(params string[] names)
    {
        using var issued = Certificates.Issue(names);
        Assert.That(Judge(issued, Listed()).Refusal, Does.EndWith($"not for {Id}"));
    }

    [Test]
    public void Judge_CertificateForTheOtherUse_IsRefused()
    {
        using var forServers = Certificates.Issue(["a.glance.svc"], Server);
        using var forBoth = Certificates.Issue(["a.glance.svc"], Server, Client);
        var options = new PeersOptions { Service = "glance.svc" };
        Assert.That(Judge(forServers, options, PeerCredentials.ServerUse).Identity, Is.Not.Null);
        Assert.That(Judge(forServers, options).Refusal, Does.Contain("not for this use"));
        Assert.That(Judge(forBoth, options).Identity, Is.Not.Null);
    }

    [Test]
    public void Judge_NoCertificate_IsRefused() => Assert.That(
        new TrustRules(Listed()).Check(null, null, SslPolicyErrors.RemoteCertificateNotAvailable).Refusal,
        Is.EqualTo("shows no certificate"));

    [Test]
    public void Doubt_CertificateThatPeersRefuse_SaysWhy()
    {
        using var directory = new TempDirectory();
        using var issued = Certificates.Issue(["a.elsewhere.svc"]);
        var options = issued.WriteTo(directory.Path, new PeersOptions { Service = "glance.svc" });
        var credentials = new CredentialFiles(options).Parse();
        Assert.That(credentials.Doubt(new TrustRules(options)), Does.Contain("not for *.glance.svc"));
        options.TrustedSuffix = ".elsewhere.svc";
        Assert.That(credentials.Doubt(new TrustRules(options)), Is.Null);
    }

    private static PeersOptions Listed() => new() { Service = "glance.svc", TrustedSpiffeIds = [Id] };

    private static Verdict Judge(Certificates issued, PeersOptions options, Oid? use = null)
    {
        var credentials = new PeerCredentials(issued.Leaf, [], [issued.Root]);
        using var chain = new X509Chain { ChainPolicy = credentials.PolicyFor(use ?? PeerCredentials.ClientUse) };
        var errors = chain.Build(issued.Leaf) ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateChainErrors;
        // The name in the address never decides.
        return new TrustRules(options).Check(issued.Leaf, chain, errors | SslPolicyErrors.RemoteCertificateNameMismatch);
    }
}
