using System.Diagnostics;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.Bench;

/// <summary>One of the sites that are measured beside each other; everything happens on its first pod.</summary>
/// <param name="stores">Two; the images go to the first of them, unless the figure is about both.</param>
internal sealed class Contender(string name, Site site, string[] stores)
{
    private const double MiB = 1 << 20;

    private readonly Measurements _figures = new();
    private readonly PodProcesses _pod = new(site);

    public string Name => name;

    public double Median(string figure) => _figures.Median(figure)!.Value;

    public void Forget() => _figures.Forget();

    /// <summary>Stages and imports uploads, and downloads what is packed: Zed alone cannot import that otherwise.</summary>
    public async Task RoundAsync(byte[] raw, byte[] qcow2, byte[] packed)
    {
        try
        {
            await MeasureAsync(raw, qcow2, packed);
        }
        catch
        {
            TestContext.Out.WriteLine($"{name} failed; glance-api said last:\n{string.Join('\n', site[0].Log.TakeLast(60))}");
            throw;
        }
    }

    private async Task MeasureAsync(byte[] raw, byte[] qcow2, byte[] packed)
    {
        using var user = site.At(0);
        user.CloseAfterEach();
        await UploadAsync(user, "raw", raw, stores[..1], new Measured(Figures.ImportRaw, Figures.ImportRawCpu, Figures.Memory, IsStage: true));
        await UploadAsync(user, "qcow2", qcow2, stores[..1], new Measured(Figures.ImportQcow2, Figures.ImportQcow2Cpu));
        await UploadAsync(user, "raw", raw, stores, new Measured(Figures.TwoStores));
        await UploadAsync(user, "qcow2", qcow2, stores, new Measured(Figures.TwoDisks));
        await DownloadAsync(user, packed);
    }

    private async Task UploadAsync(ImageApi user, string format, byte[] bytes, string[] targets, Measured measured)
    {
        var id = await user.CreateAsync(format);
        var (clock, cpu) = (Stopwatch.StartNew(), _pod.CpuSeconds());
        Expect(await user.StageAsync(id, bytes), System.Net.HttpStatusCode.NoContent);
        if (measured.IsStage)
        {
            _figures.Add(Figures.StageRate, bytes.Length / MiB / clock.Elapsed.TotalSeconds);
            _figures.Add(Figures.StageCpu, (_pod.CpuSeconds() - cpu) / (bytes.Length / MiB / 1024));
        }

        clock.Restart();
        cpu = _pod.CpuSeconds();
        Expect(await user.ImportAsync(id, new ImportTargets { Stores = targets }), System.Net.HttpStatusCode.Accepted);
        var memory = await MemoryUntilActiveAsync(user, id);
        _figures.Add(measured.Time, clock.Elapsed.TotalSeconds);
        if (measured.Cpu is not null) _figures.Add(measured.Cpu, _pod.CpuSeconds() - cpu);
        if (measured.Memory is not null) _figures.Add(measured.Memory, memory);
        await user.DeleteAsync(id);
    }

    /// <summary>Waits for it, and looks now and then at what all processes together have in memory, in MiB.</summary>
    /// <remarks>Each look costs glance-api milliseconds of CPU: one every twentieth of the time so far is exact enough.</remarks>
    private async Task<double> MemoryUntilActiveAsync(ImageApi user, string id)
    {
        var (most, clock) = (0.0, Stopwatch.StartNew());
        while ((await user.GetAsync(id)) is var image && image.Status != "active")
        {
            if (image.Status == "killed") throw new InvalidOperationException(image.ToString());
            most = Math.Max(most, _pod.ResidentMiB());
            await Task.Delay(TimeSpan.FromMilliseconds(20 + (clock.ElapsedMilliseconds / 20)));
        }

        return most;
    }

    private async Task DownloadAsync(ImageApi user, byte[] packed)
    {
        var id = await user.CreateAsync("qcow2");
        var source = site.Web.Publish("packed", packed);
        var (clock, cpu) = (Stopwatch.StartNew(), _pod.CpuSeconds());
        Expect(await user.DownloadFromAsync(id, source), System.Net.HttpStatusCode.Accepted);
        _figures.Add(Figures.Stall, await LongestAnswerAsync(user, id));
        _figures.Add(Figures.ImportPacked, clock.Elapsed.TotalSeconds);
        _figures.Add(Figures.ImportPackedCpu, _pod.CpuSeconds() - cpu);
        await user.DeleteAsync(id);
    }

    // Asks the pod for the image again and again while it works, as a user does who waits for it.
    private static async Task<double> LongestAnswerAsync(ImageApi user, string id)
    {
        var longest = TimeSpan.Zero;
        while (true)
        {
            var clock = Stopwatch.StartNew();
            var image = await user.GetAsync(id);
            if (clock.Elapsed > longest) longest = clock.Elapsed;
            if (image.Status == "active") return longest.TotalMilliseconds;
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }

    private static void Expect(Answer answer, System.Net.HttpStatusCode status)
    {
        if (answer.Status != status) throw new InvalidOperationException(answer.ToString());
    }

    /// <summary>The figures that an upload and its import are measured for.</summary>
    private sealed record Measured(string Time, string? Cpu = null, string? Memory = null, bool IsStage = false);
}
