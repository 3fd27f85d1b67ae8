using System.Text.Json.Nodes;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests;

/// <summary>The description of the kinds does find what is wrong.</summary>
internal sealed class ShapeTests : ChartTest
{
    [TestCase("selector:", "selectors:", "spec: selector is missing", "spec: selectors is unknown")]
    [TestCase("publishNotReadyAddresses: true", "publishNotReadyAddresses: yes please", "is not bool")]
    [TestCase("port: 9394\n", "port: \"9394\"\n", "Service.spec.ports[0].port: \"9394\" is not int")]
    [TestCase("protocol: TCP", "protocol: tcp", "is not TCP|UDP")]
    [TestCase("- name: peer", "- name: Peer", "\"Peer\" is not /")]
    public async Task Faults_OfASpoiltManifest_NameThem(string good, string bad, params string[] expected)
    {
        var service = (await Renderer.RenderAsync("standalone")).Split("---\n")
            .Single(part => part.Contains("kind: Service\n", StringComparison.Ordinal));
        Assert.That(service, Does.Contain(good));
        var shape = await Shape.LoadAsync();
        Assert.That(shape.Faults((await Renderer.ParseAsync(service))[0]), Is.Empty);
        var spoilt = await Renderer.ParseAsync(service.Replace(good, bad, StringComparison.Ordinal));
        var faults = string.Join('\n', shape.Faults(spoilt[0]));
        foreach (var fault in expected) Assert.That(faults, Does.Contain(fault));
    }

    [Test]
    public async Task Faults_OfAKindThatNobodyDescribed_SaySo()
    {
        var shape = await Shape.LoadAsync();
        Assert.That(shape.Faults(JsonNode.Parse("""{"kind": "CronJob"}""")!), Is.EqualTo(["CronJob: unknown kind"]));
    }
}
