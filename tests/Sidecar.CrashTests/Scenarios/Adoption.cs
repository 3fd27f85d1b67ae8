using System.Diagnostics;
using Glance.Sidecar.V1;
using Sidecar.CrashTests.Disk;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.CrashTests.Scenarios;

/// <summary>A file in the staging directory is taken over by renaming it, and one of another file system by copying it.</summary>
internal sealed class Adoption(WatchedDisk disk, TestDirectory directory, CancellationToken deadline) : Scenario(disk, deadline)
{
    /// <summary>On a file system of its own, as far as the machine has one.</summary>
    public static string OtherVolume(TestDirectory directory) => Path.Combine("/dev/shm", Path.GetFileName(directory.Path));

    public override async Task RunAsync(SidecarInstance sidecar)
    {
        await AdoptAsync(sidecar, NewImage(Noise(700_000, 7)), directory.Staging);
        await AdoptAsync(sidecar, NewImage(Noise(1_300_000, 8)), OtherVolume(directory));
    }

    private async Task AdoptAsync(SidecarInstance sidecar, Life life, string from)
    {
        var path = Path.Combine(from, $"{life.Id}.part");
        await File.WriteAllBytesAsync(directory["source"], life.Content, Deadline);
        // Watched as well, so that a power loss keeps it: the daemon answers for what it acknowledged, not for what
        // somebody else has not synced.
        string[] launcher = Disk.Launcher();
        using (var copy = Process.Start(
            launcher[0], [.. launcher[1..], "sh", "-c", "dd if=\"$1\" of=\"$2\" bs=1M conv=fsync status=none && sync \"$3\"", "sh", directory["source"], path, from]))
        {
            await copy.WaitForExitAsync(Deadline);
            // The operation that was to fail or to kill may have been one of this program's: there is nothing whole to adopt.
            if (copy.ExitCode != 0) return;
        }

        var adopted = await TriedAsync(async () => await sidecar.Staging.AdoptFileAsync(
            new AdoptFileRequest { ImageId = life.Id, Path = path }, cancellationToken: Deadline));
        if (adopted) life.StagedAt = Disk.Count;
        life.IsRefused = !adopted;
    }
}
