using NUnit.Framework;

namespace Image.Tests;

/// <summary>Two containers of one pod, from a manifest of Kubernetes: the sidecar, and one that uses it.</summary>
internal sealed class PodTests
{
    private const string Id = "11111111-2222-4333-8444-555555555555";
    private const string ImportId = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

    [Test]
    public async Task Pod_ClientThatSharesSocketAndVolume_StagesImportsAndReads()
    {
        var volume = await PodVolume.CreateAsync();
        var manifest = Path.Combine(volume.Path, "pod.yaml");
        await File.WriteAllTextAsync(manifest, Manifest(volume));
        await BuiltImage.Store.PodmanAsync("kube", "play", manifest);

        // The client starts at the same time and has to wait.
        await ClientAsync("stagectl", "put", "/data/disk.qcow2", "--id", Id, "--retry-for", "1m");
        await ClientAsync("stagectl", "import", Id, "--id", ImportId, "--to", "raw");
        await ClientAsync("stagectl", "get", Id, "--import", ImportId, "-o", "/out/disk.raw");
        await Command.RunAsync(
            "qemu-img", "compare", "-f", "qcow2", "-F", "raw", volume.Disk,
            Path.Combine(volume.Out, "disk.raw"));

        // As glance-api does: it reads the staged file itself, and removes it itself.
        var staged = $"{PodVolume.StagingInside}/{Id}";
        await ClientAsync("cmp", "/data/disk.qcow2", staged);
        await ClientAsync("stagectl", "release", ImportId, "--keep-image");
        await ClientAsync("rm", staged);

        await BuiltImage.Store.PodmanAsync("pod", "stop", "--time", "20", "staging");
        var exitCode = await BuiltImage.Store.PodmanAsync(
            "inspect", "--format", "{{.State.ExitCode}}", "staging-sidecar");
        Assert.That(exitCode, Is.EqualTo("0"));
        await BuiltImage.Store.PodmanAsync("kube", "down", manifest);
    }

    private static Task<string> ClientAsync(params string[] command) =>
        BuiltImage.Store.PodmanAsync(["exec", "staging-client", .. command]);

    private static string Manifest(PodVolume volume) => $$"""
        apiVersion: v1
        kind: Pod
        metadata:
          name: staging
        spec:
          hostNetwork: true
          restartPolicy: Never
          terminationGracePeriodSeconds: 20
          volumes:
            - name: staging
              emptyDir: {}
            - name: run
              emptyDir: {}
            - name: data
              hostPath: {path: "{{volume.Data}}", type: Directory}
            - name: out
              hostPath: {path: "{{volume.Out}}", type: Directory}
          containers:
            - name: sidecar
              image: {{BuiltImage.Name}}
              imagePullPolicy: Never
              args: [--Staging:Directory={{PodVolume.StagingInside}}, "--Hosting:LocalAddress=", "--Hosting:OpsAddress="]
              securityContext: &strict
                readOnlyRootFilesystem: true
                allowPrivilegeEscalation: false
                capabilities: {drop: [ALL]}
              volumeMounts:
                - {name: staging, mountPath: {{PodVolume.StagingInside}}}
                - {name: run, mountPath: /run/glance-staging-sidecar}
            - name: client
              image: {{BuiltImage.Name}}
              imagePullPolicy: Never
              command: [/usr/bin/sleep, infinity]
              securityContext: *strict
              volumeMounts:
                - {name: staging, mountPath: {{PodVolume.StagingInside}}}
                - {name: run, mountPath: /run/glance-staging-sidecar}
                - {name: data, mountPath: /data, readOnly: true}
                - {name: out, mountPath: /out}
        """;
}
