using System.Diagnostics;
using System.Net;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;

namespace Glance.Tests.Bench;

/// <summary>One of the ways for a user's bytes into the staging area of a site's first pod.</summary>
/// <param name="user">Makes a user who uploads that way.</param>
internal sealed class Door(string name, Site site, Func<ImageApi> user)
{
    private const double MiB = 1 << 20;

    private readonly PodProcesses _pod = new(site);

    public string Name => name;

    public Measurements Figures { get; } = new();

    /// <summary>One upload by itself, and one with another user who asks for images meanwhile: those answers cost CPU, too. Then such
    /// answers with no upload, as none can be faster.</summary>
    public async Task UploadAsync(byte[] bytes)
    {
        using var ann = user();
        await MeasureAsync(ann, "raw", bytes, Uploading.Rate, Uploading.Cpu);

        var id = await ann.CreateAsync("raw");
        Figures.Add(Uploading.Stall, await LongestAnswerAsync(StageAsync(ann, id, bytes)));
        await ann.DeleteAsync(id);
        Figures.Add(Uploading.Idle, await LongestAnswerAsync(Task.Delay(TimeSpan.FromSeconds(3))));
    }

    /// <summary>One upload of a disk that its import converts: nobody wants digests of these bytes.</summary>
    public async Task UploadDiskAsync(byte[] qcow2)
    {
        using var ann = user();
        await MeasureAsync(ann, "qcow2", qcow2, Uploading.DiskRate, Uploading.DiskCpu);
    }

    /// <summary>Many at once, with another user who asks for images all the while.</summary>
    /// <param name="stall">The figure that the longest answer is added to, if one.</param>
    public async Task UploadManyAsync(int count, byte[] bytes, string rate, string? stall = null, string? memory = null)
    {
        using var ann = user();
        var ids = new List<string>();
        for (var i = 0; i < count; i++) ids.Add(await ann.CreateAsync("raw"));
        if (site.WithSidecar) _pod.ForgetPeak();
        var clock = Stopwatch.StartNew();
        var longest = await LongestAnswerAsync(Task.WhenAll(ids.Select(id => StageAsync(ann, id, bytes))));
        Figures.Add(rate, count * (bytes.Length / MiB) / clock.Elapsed.TotalSeconds);
        if (stall is not null) Figures.Add(stall, longest);
        if (memory is not null && site.WithSidecar) Figures.Add(memory, _pod.SidecarPeakMiB());
        foreach (var id in ids) await ann.DeleteAsync(id);
    }

    private async Task MeasureAsync(ImageApi ann, string format, byte[] bytes, string rate, string cpu)
    {
        var id = await ann.CreateAsync(format);
        var (clock, before) = (Stopwatch.StartNew(), _pod.CpuSeconds());
        await StageAsync(ann, id, bytes);
        Figures.Add(rate, bytes.Length / MiB / clock.Elapsed.TotalSeconds);
        Figures.Add(cpu, (_pod.CpuSeconds() - before) / (bytes.Length / MiB / 1024));
        await ann.DeleteAsync(id);
    }

    private static async Task StageAsync(ImageApi ann, string id, byte[] bytes)
    {
        var answer = await ann.StageAsync(id, bytes);
        if (answer.Status != HttpStatusCode.NoContent) throw new InvalidOperationException(answer.ToString());
    }

    // As a few users who look now and then: what is measured is how long a request waits for its turn.
    private async Task<double> LongestAnswerAsync(Task uploads)
    {
        using var bob = user();
        var longest = TimeSpan.Zero;
        do
        {
            var clock = Stopwatch.StartNew();
            await bob.ListAsync();
            if (clock.Elapsed > longest) longest = clock.Elapsed;
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }
        while (!uploads.IsCompleted);

        await uploads;
        return longest.TotalMilliseconds;
    }
}
