using System.Diagnostics;
using Glance.Tests.Harness;

namespace Glance.Tests.Bench;

/// <summary>What the machine allows an upload: its disk, and of raw also the digests, as none is committed before it has them.</summary>
internal sealed class UploadLimits
{
    public const string Disk = "`dd conv=fsync` of the same bytes, MiB/s";
    public const string Digests = "`openssl dgst` of them, md5 and sha512 at once, MiB/s";

    public static readonly string[] All = [Disk, Digests];

    public Measurements Figures { get; } = new();

    /// <param name="file">On the volume that the uploads go to.</param>
    public async Task MeasureAsync(string file)
    {
        var copy = file + ".copy";
        await TimeAsync(Disk, file, ["dd", $"if={file}", $"of={copy}", "bs=1M", "conv=fsync"]);
        File.Delete(copy);
        await TimeAsync(Digests, file, ["openssl", "dgst", "-md5", file], ["openssl", "dgst", "-sha512", file]);
    }

    private async Task TimeAsync(string figure, string file, params string[][] commands)
    {
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(commands.Select(command => Command.RunAsync(command)));
        Figures.Add(figure, new FileInfo(file).Length / (double)(1 << 20) / clock.Elapsed.TotalSeconds);
    }
}
