using System.Text.Json.Nodes;
using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests;

/// <summary>Where helm is installed, it is asked as well.</summary>
internal sealed class HelmTests : ChartTest
{
    private static string[] Sets => Repository.ValueSets;

    [TestCaseSource(nameof(Sets))]
    public async Task Helm_RendersTheSame(string set)
    {
        if (!Command.Exists("helm")) Assert.Ignore("helm is not installed, and Debian has no package of it.");
        var helms = await Renderer.ParseAsync(await Command.OutputOfAsync(
            "helm",
            [
                "template", Renderer.Release, Repository.Chart, "-n", Renderer.Namespace, "--kube-version", "v1.36.0",
                "-f", Repository.Values(set),
            ]));
        var ours = (await Renderer.ManifestsAsync(set)).All;
        // helm sorts by the order in which it installs.
        Assert.That(helms.Select(Text).Order(), Is.EqualTo(ours.Select(Text).Order()));
    }

    private static string Text(JsonNode manifest) => manifest.ToJsonString();
}
