using System.Net;
using NUnit.Framework;
using Sidecar.Peers.Discovery;

namespace Sidecar.Tests.Peers;

internal sealed class PeerAddressTests
{
    [TestCase("glance-1=10.0.0.7:9394", "glance-1", "10.0.0.7", 9394)]
    [TestCase("10.0.0.7:1", null, "10.0.0.7", 1)]
    [TestCase("glance-1.glance.svc:65535", null, "glance-1.glance.svc", 65535)]
    [TestCase("a=[fd00::1]:9394", "a", "[fd00::1]", 9394)]
    public void TryParse_GoodText_HasItsParts(string text, string? name, string host, int port)
    {
        Assert.That(PeerAddress.TryParse(text, out var address), Is.True);
        Assert.That(address, Is.EqualTo(new PeerAddress(name, host, port)));
        Assert.That(address!.ToString(), Is.EqualTo($"{host}:{port}"));
    }

    [TestCase("")]
    [TestCase("glance-1")]
    [TestCase("=10.0.0.7:9394")]
    [TestCase("10.0.0.7:0")]
    [TestCase("10.0.0.7:65536")]
    [TestCase("10.0.0.7:+1")]
    [TestCase(":9394")]
    [TestCase("fd00::1:9394")]
    [TestCase("[fd00::1:9394")]
    [TestCase("[glance-1]:9394")]
    [TestCase("glance 1:9394")]
    [TestCase("http://glance-1:9394")]
    public void TryParse_BadText_IsRefused(string text) => Assert.That(PeerAddress.TryParse(text, out _), Is.False);

    [TestCase("glance-1.staging.openstack.svc.cluster.local.", "10.0.0.7", "glance-1")]
    [TestCase("10-0-0-7.staging.openstack.svc.cluster.local.", "10.0.0.7", null)]
    [TestCase("fd00--7.staging.openstack.svc.cluster.local.", "fd00::7", null)]
    [TestCase("10-0-0-8.staging.openstack.svc.cluster.local.", "10.0.0.7", "10-0-0-8")]
    public void PodName_OfARecord_IsNoneWhenItWasMadeFromTheAddress(string target, string address, string? name) =>
        Assert.That(DnsPeers.PodName(target, IPAddress.Parse(address)), Is.EqualTo(name));

    [Test]
    public void NamesOf_AServiceInAPod_AreSearchedAsTheClusterWantsIt()
    {
        var settings = ResolverSettings.Parse(
        [
            "# made by the kubelet", "search openstack.svc.cluster.local svc.cluster.local cluster.local",
            "nameserver 10.96.0.10", "nameserver fd00::10", "options timeout:1 ndots:5",
        ]);
        Assert.That(settings.Servers, Is.EqualTo([IPEndPoint.Parse("10.96.0.10:53"), IPEndPoint.Parse("[fd00::10]:53")]));
        Assert.That(settings.NamesOf("staging.openstack.svc"), Is.EqualTo(
        [
            "staging.openstack.svc.openstack.svc.cluster.local", "staging.openstack.svc.svc.cluster.local",
            "staging.openstack.svc.cluster.local", "staging.openstack.svc",
        ]));
        Assert.That(settings.NamesOf("staging.openstack.svc."), Is.EqualTo(["staging.openstack.svc."]));
        Assert.That(settings.NamesOf("a.b.c.d.e.f")[0], Is.EqualTo("a.b.c.d.e.f"));
        Assert.That(ResolverSettings.Parse([]).Servers, Is.EqualTo([IPEndPoint.Parse("127.0.0.1:53")]));
    }
}
