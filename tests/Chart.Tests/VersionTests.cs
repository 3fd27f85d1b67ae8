using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests;

/// <summary>
/// What is rendered for a version of Kubernetes has only kinds and fields that this version knows; and where there is no such
/// thing, nothing is rendered but the reason.
/// </summary>
internal sealed class VersionTests : ChartTest
{
    private static readonly string[] Versions = ["1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36"];

    private static string[] Sets => Repository.ValueSets;

    [Test]
    public async Task Manifests_AreOfTheVersion([ValueSource(nameof(Versions))] string version, [ValueSource(nameof(Sets))] string set)
    {
        var (exit, output, error) = await Renderer.TryAsync(Repository.Values(set), Cluster(version));
        if (NewestPolicy(version) is null && (await Renderer.ManifestsAsync(set)).Kinds.Contains("MutatingAdmissionPolicy"))
        {
            Assert.That(exit, Is.Not.Zero);
            Assert.That(error, Does.Contain($"injection.method is policy, which Kubernetes v{version}.0 does not have; allowed: webhook or kyverno"));
            return;
        }

        Assert.That(exit, Is.Zero, error);
        var shape = await Shape.LoadAsync(version);
        Assert.That((await Renderer.ParseAsync(output)).SelectMany(shape.Faults), Is.Empty);
    }

    [TestCase("1.28")]
    [TestCase("1.18")]
    public async Task Version_ThatIsTooOld_IsRefused(string version)
    {
        var (exit, _, error) = await Renderer.TryAsync(Repository.Values("standalone"), Cluster(version));
        Assert.That(exit, Is.Not.Zero);
        Assert.That(error, Does.Contain("chart requires kubeVersion: >=1.29.0-0 which is incompatible"));
    }

    [Test]
    public async Task ApiVersion_ThatIsNamed_IsNotArguedAbout()
    {
        var manifests = await Renderer.WithValuesAsync(
            "mode: injection\ninjection: {apiVersion: admissionregistration.k8s.io/v1alpha1}", Cluster("1.31"));
        Assert.That(manifests.Policy["apiVersion"].Text(), Is.EqualTo("admissionregistration.k8s.io/v1alpha1"));
    }

    /// <summary>The description of the kinds does tell versions apart.</summary>
    [TestCase("operator", "1.35", "MutatingAdmissionPolicy.apiVersion: \"admissionregistration.k8s.io/v1\" is not admissionregistration.k8s.io/v1beta1|")]
    [TestCase("operator", "1.33", "is not admissionregistration.k8s.io/v1alpha1")]
    [TestCase("operator", "1.31", "MutatingAdmissionPolicyBinding: unknown kind")]
    [TestCase("webhook", "1.27", "MutatingWebhookConfiguration.webhooks[0]: matchConditions is unknown")]
    [TestCase("webhook", "1.26", "PodDisruptionBudget.spec: unhealthyPodEvictionPolicy is unknown")]
    [TestCase("standalone", "1.23", "containers[0].livenessProbe: grpc is unknown")]
    public async Task Faults_OfAnOlderVersion_NameWhatItLacks(string set, string version, string expected)
    {
        var shape = await Shape.LoadAsync(version);
        Assert.That((await Renderer.ManifestsAsync(set)).All.SelectMany(shape.Faults), Has.Some.Contains(expected));
    }

    [Test]
    public async Task Faults_OfASidecarBeforeThereWereAny_NameIt()
    {
        var patch = (await (await Renderer.ManifestsAsync("snippet")).PodSpecAsync())["initContainers"]![0];
        Assert.That((await Shape.LoadAsync("1.28")).Faults("sidecar", "$Container", patch), Is.EqualTo(["sidecar: restartPolicy is unknown"]));
    }

    // As an API server of that version at most serves.
    private static string[] Cluster(string version) =>
    [
        "--kube-version", $"v{version}.0", "--api-versions", "policies.kyverno.io/v1/MutatingPolicy",
        .. NewestPolicy(version) is { } newest ? (string[])["--api-versions", $"admissionregistration.k8s.io/{newest}/MutatingAdmissionPolicy"] : [],
    ];

    private static string? NewestPolicy(string version) => Version.Parse(version).Minor switch
    {
        >= 36 => "v1",
        >= 34 => "v1beta1",
        >= 32 => "v1alpha1",
        _ => null,
    };
}
