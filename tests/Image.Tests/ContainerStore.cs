using System.Diagnostics;
using NUnit.Framework;

namespace Image.Tests;

/// <summary>
/// podman and buildah with a store of their own: no image, container or state of theirs lies outside of the test's
/// directory, and none of the machine's own is seen. Needs root, as the test machines have.
/// </summary>
internal sealed class ContainerStore(string directory)
{
    private string[] Options =>
    [
        "--root", Path.Combine(directory, "root"), "--runroot", Path.Combine(directory, "runroot"),
        "--storage-driver", "overlay",
    ];

    public void Create()
    {
        var configuration = Path.Combine(directory, "containers.conf");
        // The machine that tests may be a container itself, with cgroups but without systemd, and without a network of
        // its own to give away.
        File.WriteAllText(configuration, $"""
            [containers]
            default_ulimits = ["nofile=20000:20000", "nproc=8192:8192"]
            netns = "host"
            [engine]
            cgroup_manager = "cgroupfs"
            runtime = "runc"
            events_logger = "file"
            lock_type = "file"
            [network]
            network_config_dir = "{directory}/networks"

            """);
        Environment.SetEnvironmentVariable("CONTAINERS_CONF", configuration);
        // Layers are unpacked here.
        Directory.CreateDirectory(Path.Combine(directory, "tmp"));
        Environment.SetEnvironmentVariable("TMPDIR", Path.Combine(directory, "tmp"));
    }

    public Task<string> PodmanAsync(params string[] arguments) => Command.RunAsync(Podman(arguments));

    public Task<(int ExitCode, string Output, string Error)> TryPodmanAsync(params string[] arguments) =>
        Command.TryAsync(Podman(arguments));

    public Process StartPodman(params string[] arguments) => Command.Start(Podman(arguments));

    public Task<string> BuildahAsync(params string[] arguments) =>
        Command.RunAsync(["buildah", .. Options, .. arguments]);

    /// <summary>Ends every container and gives back what is mounted; the directory can be deleted afterwards.</summary>
    public async Task DestroyAsync()
    {
        var pods = await TryPodmanAsync("pod", "rm", "--all", "--force", "--time", "0");
        var containers = await TryPodmanAsync("rm", "--all", "--force", "--time", "0");
        var images = await TryPodmanAsync("rmi", "--all", "--force");
        // The store keeps its own directory mounted upon itself.
        await Command.TryAsync("umount", "--lazy", Path.Combine(directory, "root", "overlay"));
        Environment.SetEnvironmentVariable("CONTAINERS_CONF", null);
        Environment.SetEnvironmentVariable("TMPDIR", null);
        Assert.That(
            (pods.ExitCode, containers.ExitCode, images.ExitCode), Is.EqualTo((0, 0, 0)),
            pods.Error + containers.Error + images.Error);
    }

    private string[] Podman(string[] arguments) =>
    [
        "podman", .. Options, "--tmpdir", Path.Combine(directory, "libpod"),
        "--runtime-flag", "root=" + Path.Combine(directory, "runc"), .. arguments,
    ];
}
