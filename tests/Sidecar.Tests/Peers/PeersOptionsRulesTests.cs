using NUnit.Framework;
using Sidecar.Peers;
using Sidecar.Peers.Core;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Peers;

internal sealed class PeersOptionsRulesTests
{
    [Test]
    public void Validate_NoPeers_AsksForNothing() => Assert.That(Failures(new PeersOptions()), Is.Empty);

    [Test]
    public void Validate_PlaintextOnLoopback_IsAllowed() => Assert.That(Failures(Plaintext()), Is.Empty);

    [TestCase("*:9394")]
    [TestCase("10.0.0.7:9394")]
    [TestCase("[::]:9394")]
    public void Validate_PlaintextElsewhere_IsRefused(string address) => Assert.That(
        Failures(Plaintext(options => options.Address = address)),
        Is.EqualTo([$"Peers:Address is '{address}'; allowed: a loopback address and port while Peers:AllowPlaintext is set."]));

    [Test]
    public void Validate_ServiceAndStatic_IsRefused() => Assert.That(
        Failures(Plaintext(options => options.Service = "glance.svc")),
        Has.One.StartsWith("Peers:Static is 'glance-1=10.0.0.1:9394'; allowed: nothing beside Peers:Service"));

    [Test]
    public void Validate_BadStaticEntry_IsNamed() => Assert.That(
        Failures(Plaintext(options => options.Static.Add("glance-2"))),
        Is.EqualTo(["Peers:Static is 'glance-2'; allowed: name=host:port or host:port."]));

    [Test]
    public void Validate_SameNameTwice_IsRefused() => Assert.That(
        Failures(Plaintext(options => options.Static.Add("glance-1=10.0.0.2:1"))),
        Is.EqualTo(["Peers:Static is 'glance-1=10.0.0.2:1'; allowed: each name once."]));

    [Test]
    public void Validate_DnsServerOutOfRange_IsRefused() => Assert.That(
        Failures(Plaintext(options => options.DnsServer = "10.0.0.999:53")), Has.One.StartsWith("Peers:DnsServer is '10.0.0.999:53'"));

    [Test]
    public void Validate_NoCertificates_NamesEachFileAndTheSuffix()
    {
        var failures = Failures(Plaintext(options => options.AllowPlaintext = false));
        Assert.That(failures.Select(failure => failure.Split(' ')[0]), Is.EqualTo(
            ["Peers:CertificateFile", "Peers:KeyFile", "Peers:AuthorityFile", "Peers:TrustedSuffix"]));
    }

    [Test]
    public void Validate_MissingFile_IsNamed() => Assert.That(
        Failures(Encrypted("/nowhere/tls.crt")), Has.One.StartsWith("Peers:CertificateFile is '/nowhere/tls.crt'; allowed: "));

    [Test]
    public void Validate_NotPem_IsNamed()
    {
        using var directory = new TempDirectory();
        File.WriteAllText(directory["tls.crt"], "no certificate");
        Assert.That(
            Failures(Encrypted(directory["tls.crt"])),
            Is.EqualTo([$"Peers:CertificateFile is '{directory["tls.crt"]}'; allowed: PEM certificates; it has none."]));
    }

    [Test]
    public void Validate_KeyOfAnother_IsNamed()
    {
        using var directory = new TempDirectory();
        using var issued = Certificates.Issue(["a.glance.svc"]);
        using var other = Certificates.Issue(["a.glance.svc"]);
        var options = issued.WriteTo(directory.Path, Encrypted(""));
        Assert.That(Failures(options), Is.Empty);
        File.WriteAllText(options.KeyFile, other.KeyPem);
        Assert.That(Failures(options), Has.One.StartsWith($"Peers:KeyFile is '{options.KeyFile}'; allowed: the private key of"));
    }

    [TestCase("glance")]
    [TestCase("https://cluster.local/glance")]
    [TestCase("spiffe:///glance")]
    public void Validate_NoSpiffeId_IsNamed(string id)
    {
        var options = Encrypted("/nowhere");
        options.TrustedSpiffeIds.Add(id);
        Assert.That(Failures(options), Has.One.StartsWith($"Peers:TrustedSpiffeIds is '{id}'; allowed: SPIFFE ids"));
    }

    private static IEnumerable<string> Failures(PeersOptions options) =>
        new PeersOptionsRules().Validate(null, options).Failures ?? [];

    private static PeersOptions Plaintext(Action<PeersOptions>? change = null)
    {
        var options = new PeersOptions { Static = ["glance-1=10.0.0.1:9394"], AllowPlaintext = true, Address = "127.0.0.1:9394" };
        change?.Invoke(options);
        return options;
    }

    private static PeersOptions Encrypted(string file) =>
        new() { Service = "glance.svc", CertificateFile = file, KeyFile = file, AuthorityFile = file };
}
