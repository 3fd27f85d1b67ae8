using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests;

/// <summary>The chart's README has every value with its default, and a runbook for every alert.</summary>
internal sealed class ReadmeTests : ChartTest
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Chart, "README.md"));

    [Test]
    public async Task Values_AreThoseOfTheChart_WithTheirDefaults()
    {
        var values = await Renderer.ParseAsync(
            await File.ReadAllTextAsync(Path.Combine(Repository.Chart, "values.yaml")));
        var table = Regex.Match(Readme, "<!-- values:.*?-->\n(.*?)<!-- end values -->", RegexOptions.Singleline);
        var rows = table.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(2)
            .Select(row => row.Split('|')).Select(cells => $"{cells[1].Trim(' ', '`')} = {cells[2].Trim(' ', '`')}");
        Assert.That(rows, Is.EquivalentTo(Leaves("", values[0])));
    }

    [Test]
    public async Task Alerts_EachHaveARunbook()
    {
        var alerts = await Renderer.ParseAsync(
            await File.ReadAllTextAsync(Path.Combine(Repository.Chart, "files", "alerts.yaml")));
        var names = alerts[0]["groups"]!.AsArray().SelectMany(group => group!["rules"]!.AsArray())
            .Select(rule => rule!["alert"].Text());
        var sections = Regex.Matches(Readme, "^### (GlanceStaging\\w+)$", RegexOptions.Multiline)
            .Select(match => match.Groups[1].Value);
        Assert.That(sections, Is.EqualTo(names), "in the order of alerts.yaml");
    }

    [Test]
    public void Metrics_ThatItNames_AreDocumented()
    {
        var known = File.ReadAllText(Path.Combine(Repository.Root, "docs", "observability.md"));
        var named = Regex.Matches(Readme, "(?<!os_)glance_staging_[a-z_]+").Select(match => match.Value).ToList();
        Assert.That(named, Is.Not.Empty);
        foreach (var name in named) Assert.That(known.Contains($"`{name}`", StringComparison.Ordinal), Is.True, name);
    }

    [Test]
    public async Task Notes_SayHowPodsAreMadeAgain_AsAnOperatorLeavesIt()
    {
        var notes = await Renderer.NotesAsync("operator");
        Assert.That(notes, Does.Contain("delete pod NAME-0"));
        Assert.That(notes, Does.Not.Contain("rollout restart statefulset"));
        Assert.That(Readme, Does.Not.Contain("rollout restart statefulset"));
    }

    // What nobody but its reader can do.
    [TestCase("spec.customContainerImages.glanceAPIImage")]
    [TestCase("keep v1beta1 served at first")]
    [TestCase("one with `storage.external: true` among them")]
    [TestCase("The merge puts the sidecar before the StatefulSet's own init containers, injection behind them")]
    [TestCase("the kubelet runs the sidecar's preStop and tells Glance's containers to stop at the same time")]
    [TestCase("Delete the StatefulSet with `--cascade=orphan`")]
    [TestCase("leave `identity` as it is")]
    public void Readme_Says(string words) => Assert.That(Readme.ReplaceLineEndings(" "), Does.Contain(words));

    [TestCase("webhook", "such pods are not made:\n\n  kubectl -n openstack rollout status deployment glance-staging-webhook")]
    [TestCase("kyverno", "kubectl get mutatingpolicy openstack.glance-staging")]
    public async Task Notes_SayWhatHasToRunForInjection(string set, string expected) =>
        Assert.That(await Renderer.NotesAsync(set), Does.Contain(expected));

    [TestCase("webhook", false)]
    [TestCase("kyverno", true)]
    public async Task Notes_SayWhoThePeersAre_WhereAllOfGlancesPodsWouldBe(string set, bool isSaid) =>
        Assert.That((await Renderer.NotesAsync(set)).Contains("A GlanceAPI with storage.external gets no sidecar", StringComparison.Ordinal), Is.EqualTo(isSaid));

    [Test]
    public async Task Notes_OfASnippet_SayWhichContainersItIsFor() =>
        Assert.That(await Renderer.NotesAsync("snippet"), Does.Contain("container glance-api: set glance.containers"));

    [Test]
    public async Task Notes_OfOnePod_SpeakOfOne() =>
        Assert.That(await Renderer.NotesAsync("alone"), Does.Contain("A sidecar runs by itself, without Glance"));

    private static IEnumerable<string> Leaves(string path, JsonNode? value) => value is JsonObject { Count: > 0 } map
        ? map.SelectMany(pair => Leaves(path.Length == 0 ? pair.Key : $"{path}.{pair.Key}", pair.Value))
        : [$"{path} = {(value is JsonValue ? value.ToString() : value!.ToJsonString())}"];
}
