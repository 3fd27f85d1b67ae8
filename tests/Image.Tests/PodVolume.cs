namespace Image.Tests;

/// <summary>What one pod's containers share: socket, staging directory, and files that come and go.</summary>
internal sealed class PodVolume
{
    public const string StagingInside = "/var/lib/glance/os_glance_staging_store";

    private PodVolume(string directory) => Path = directory;

    public string Path { get; }

    public string Run => this["run"];

    public string Staging => this["staging"];

    public string Data => this["data"];

    /// <summary>The disk that is to be uploaded, in <see cref="Data"/>.</summary>
    public string Disk => System.IO.Path.Combine(Data, "disk.qcow2");

    public string Out => this["out"];

    public string Socket => System.IO.Path.Combine(Run, "sidecar.sock");

    /// <summary>An empty file, to be mounted over a program that must not be needed.</summary>
    public string Nothing => this["nothing"];

    private string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>With a qcow2 disk of 64 MiB as <c>data/disk.qcow2</c>, data at both ends and a hole between.</summary>
    public static async Task<PodVolume> CreateAsync()
    {
        var volume = new PodVolume(System.IO.Path.Combine(BuiltImage.Directory, Guid.NewGuid().ToString("N")[..8]));
        foreach (var directory in (string[])[volume.Run, volume.Staging, volume.Data, volume.Out])
        {
            Directory.CreateDirectory(directory);
            await Command.RunAsync("chown", $"{BuiltImage.Uid}:{BuiltImage.Uid}", directory);
        }

        await File.WriteAllTextAsync(volume.Nothing, "");
        var raw = volume["disk.raw"];
        await using (var disk = File.Create(raw))
        {
            disk.SetLength(64 << 20);
            disk.Write(Noise(3 << 20));
            disk.Position = 60 << 20;
            disk.Write(Noise(4 << 20));
        }

        await Command.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, volume.Disk);
        return volume;
    }

    public static byte[] Noise(int bytes)
    {
        var noise = new byte[bytes];
        new Random(bytes).NextBytes(noise);
        return noise;
    }
}
