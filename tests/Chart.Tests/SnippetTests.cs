using System.Text.Json.Nodes;
using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests;

/// <summary>The patch for a StatefulSet of one's own, by kustomize.</summary>
internal sealed class SnippetTests : ChartTest
{
    private const string OwnStatefulSet = """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: my-glance, labels: {app: glance-api}}
        spec:
          template:
            spec:
              initContainers: [{name: database, image: db}]
              containers:
                - name: glance-api
                  image: glance
                  volumeMounts: [{name: glance, mountPath: /var/lib/glance}]
          volumeClaimTemplates: [{metadata: {name: glance}}]
        """;

    private const string OtherStatefulSet = """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: other}
        spec: {template: {spec: {containers: [{name: other, image: other}]}}}
        """;

    [Test]
    public async Task Component_HasThePatchOfTheChart()
    {
        var manifests = await Renderer.ManifestsAsync("snippet");
        var rendered = manifests.Get("ConfigMap", "glance-staging-pod-template")["data"]!["patch.yaml"].Text();
        var file = Path.Combine(Repository.Chart, "kustomize", "patch.yaml");
        // Of kubectl's patch a name would have to be that of the StatefulSet; kustomize wants one, and does not look at it.
        Assert.That(rendered, Does.Not.Contain("\nmetadata:"));
        var named = rendered.Replace("\nspec:\n", "\nmetadata:\n  name: glance-api\nspec:\n", StringComparison.Ordinal);
        if (Repository.Rewrites) await File.WriteAllTextAsync(file, named);
        Assert.That(
            await File.ReadAllTextAsync(file), Is.EqualTo(named), $"{Repository.RewriteVariable}=1 writes it again");
        var shape = await Shape.LoadAsync();
        var patch = (await Renderer.ParseAsync(rendered))[0];
        Assert.That(shape.Faults("patch", JsonValue.Create("$PodPatch"), patch), Is.Empty);
    }

    [Test]
    public async Task Kustomize_PutsTheSidecarIntoTheStatefulSet_AndIntoNoOther()
    {
        if (!Command.Exists("kubectl")) Assert.Ignore("kubectl is missing; that of Debian 12 knows no components.");
        var directory = Directory.CreateTempSubdirectory("chart-kustomize-").FullName;
        try
        {
            await File.WriteAllTextAsync(
                Path.Combine(directory, "own.yaml"), OwnStatefulSet + "\n---\n" + OtherStatefulSet);
            Directory.CreateDirectory(Path.Combine(directory, "sidecar"));
            foreach (var file in Directory.GetFiles(Path.Combine(Repository.Chart, "kustomize")))
                File.Copy(file, Path.Combine(directory, "sidecar", Path.GetFileName(file)));
            await File.WriteAllTextAsync(
                Path.Combine(directory, "kustomization.yaml"), "resources: [own.yaml]\ncomponents: [sidecar]\n");
            var built = new Manifests(await Renderer.ParseAsync(
                await Command.OutputOfAsync("kubectl", ["kustomize", directory])));

            var pod = built.Get("StatefulSet", "my-glance")["spec"]!["template"]!["spec"]!;
            Assert.That(pod["initContainers"].Names(), Is.EquivalentTo(["database", "staging-sidecar"]));
            Assert.That(pod["containers"].Names(), Is.EqualTo(["glance-api"]));
            var mounts = pod["containers"]![0]!["volumeMounts"].Names();
            Assert.That(mounts, Is.EquivalentTo(["glance", "staging-sidecar-run"]));
            var patch = await (await Renderer.ManifestsAsync("snippet")).ContainerAsync();
            Assert.That(Json.Same(pod["initContainers"]!.AsArray().Single(IsSidecar), patch), Is.True);
            Assert.That(built.Get("StatefulSet", "other").ToJsonString(), Does.Not.Contain("staging-sidecar"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Test]
    public async Task Snippet_HasTheMountsThatAreNamed()
    {
        var manifests = await Renderer.WithValuesAsync(
            "mode: snippet\nsnippet: {mounts: [{name: ceph, mountPath: /etc/ceph, subPath: a, readOnly: true}]}");
        var mount = (await manifests.ContainerAsync())["volumeMounts"]!.AsArray().Last();
        Assert.That(mount!.ToJsonString(), Is.EqualTo("""{"mountPath":"/etc/ceph","name":"ceph","readOnly":true,"subPath":"a"}"""));
    }

    private static bool IsSidecar(JsonNode? container) => container!["name"].Text() == "staging-sidecar";
}
