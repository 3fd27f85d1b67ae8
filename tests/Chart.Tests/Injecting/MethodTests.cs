using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests.Injecting;

/// <summary>The methods of injection are rendered from one description, each for the cluster that has it.</summary>
internal sealed class MethodTests : ChartTest
{
    [TestCase("v1alpha1")]
    [TestCase("v1beta1")]
    [TestCase("v1")]
    public async Task AdmissionPolicy_IsOfTheNewestVersionThatTheClusterServes(string newest)
    {
        string[] versions = ["v1alpha1", "v1beta1", "v1"];
        var served = versions[..(Array.IndexOf(versions, newest) + 1)].SelectMany(version =>
            new[] { "--api-versions", $"admissionregistration.k8s.io/{version}/MutatingAdmissionPolicy" });
        var policy = (await Renderer.ManifestsAsync("operator", [.. served])).Get("MutatingAdmissionPolicy");
        Assert.That(policy["apiVersion"].Text(), Is.EqualTo($"admissionregistration.k8s.io/{newest}"));
    }

    [TestCase("v1alpha1")]
    [TestCase("v1")]
    public async Task KyvernosPolicy_IsOfTheVersionThatTheClusterServes_AndSaysTheSame(string served)
    {
        var kyvernos = (await Renderer.ManifestsAsync("kyverno", "--api-versions", $"policies.kyverno.io/{served}/MutatingPolicy")).Policy;
        Assert.That(kyvernos["apiVersion"].Text(), Is.EqualTo($"policies.kyverno.io/{served}"));
        var values = await File.ReadAllTextAsync(Repository.Values("kyverno"));
        var clusters = (await Renderer.WithValuesAsync(values.Replace("kyverno", "policy", StringComparison.Ordinal))).Policy;
        foreach (var (field, value) in clusters["spec"]!.AsObject()) Assert.That(Json.Same(kyvernos["spec"]![field], value), Is.True, field);
        // Otherwise it would write into the StatefulSet as well.
        Assert.That(kyvernos["spec"]!["autogen"]!["podControllers"]!["controllers"]!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task Webhook_IsAskedAboutThePodsThatThePolicyTakes()
    {
        var values = await File.ReadAllTextAsync(Repository.Values("webhook"));
        var policy = (await Renderer.WithValuesAsync(values.Replace("method: webhook", "method: policy", StringComparison.Ordinal))).Policy["spec"]!;
        var webhook = (await Renderer.ManifestsAsync("webhook")).Get("MutatingWebhookConfiguration")["webhooks"]![0]!;
        Assert.That(Json.Same(webhook["matchConditions"], policy["matchConditions"]), Is.True);
        foreach (var selector in (string[])["namespaceSelector", "objectSelector"])
            Assert.That(Json.Same(webhook[selector], policy["matchConstraints"]![selector]), Is.True, selector);
    }

    [Test]
    public async Task Webhook_WithASecret_IsTrustedByTheAuthorityThatIsGiven()
    {
        var manifests = await Renderer.WithValuesAsync("""
            mode: injection
            injection: {method: webhook, webhook: {certificates: {source: secret, secretName: its, authority: "-----BEGIN CERTIFICATE-----x"}}}
            """);
        var webhook = manifests.Get("MutatingWebhookConfiguration");
        Assert.That(webhook["webhooks"]![0]!["clientConfig"]!["caBundle"].Text(), Is.EqualTo("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0teA=="));
        Assert.That(webhook["metadata"]!["annotations"], Is.Null);
        var volumes = manifests.Get("Deployment")["spec"]!["template"]!["spec"]!["volumes"]!;
        Assert.That(volumes[1]!["secret"]!["secretName"].Text(), Is.EqualTo("its"));
    }
}
