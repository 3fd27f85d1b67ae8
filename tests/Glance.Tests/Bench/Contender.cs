using System.Diagnostics;
using System.Globalization;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;

namespace Glance.Tests.Bench;

/// <summary>One of the sites that are measured beside each other; everything happens on its first pod.</summary>
/// <param name="stores">Two; the images go to the first of them, unless the figure is about both.</param>
internal sealed class Contender(string name, Site site, string[] stores)
{
    private const double MiB = 1 << 20;

    private const double TicksPerSecond = 100; // of /proc, whatever the kernel's own clock

    private readonly Dictionary<string, List<double>> _figures = [];

    public string Name => name;

    public double Median(string figure)
    {
        var sorted = _figures[figure].Order().ToList();
        return sorted[sorted.Count / 2];
    }

    public void Forget() => _figures.Clear();

    /// <summary>Stages and imports uploads, and downloads what is packed: Zed alone cannot import that otherwise.</summary>
    public async Task RoundAsync(byte[] raw, byte[] qcow2, byte[] packed)
    {
        using var user = site.At(0);
        await UploadAsync(user, "raw", raw, stores[..1], new Measured(Figures.ImportRaw, Figures.ImportRawCpu, Figures.Memory, IsStage: true));
        await UploadAsync(user, "qcow2", qcow2, stores[..1], new Measured(Figures.ImportQcow2, Figures.ImportQcow2Cpu));
        await UploadAsync(user, "raw", raw, stores, new Measured(Figures.TwoStores));
        await UploadAsync(user, "qcow2", qcow2, stores, new Measured(Figures.TwoDisks));
        await DownloadAsync(user, packed);
    }

    private async Task UploadAsync(ImageApi user, string format, byte[] bytes, string[] targets, Measured measured)
    {
        var id = await user.CreateAsync(format);
        var (clock, cpu) = (Stopwatch.StartNew(), CpuSeconds());
        Expect(await user.StageAsync(id, bytes), System.Net.HttpStatusCode.NoContent);
        if (measured.IsStage)
        {
            Add(Figures.StageRate, bytes.Length / MiB / clock.Elapsed.TotalSeconds);
            Add(Figures.StageCpu, (CpuSeconds() - cpu) / (bytes.Length / MiB / 1024));
        }

        clock.Restart();
        cpu = CpuSeconds();
        Expect(await user.ImportAsync(id, new ImportTargets { Stores = targets }), System.Net.HttpStatusCode.Accepted);
        var memory = await MemoryUntilActiveAsync(user, id);
        Add(measured.Time, clock.Elapsed.TotalSeconds);
        if (measured.Cpu is not null) Add(measured.Cpu, CpuSeconds() - cpu);
        if (measured.Memory is not null) Add(measured.Memory, memory);
        await user.DeleteAsync(id);
    }

    /// <summary>Waits for it, and looks now and then at what all processes together have in memory, in MiB.</summary>
    private async Task<double> MemoryUntilActiveAsync(ImageApi user, string id)
    {
        var most = 0.0;
        while ((await user.GetAsync(id)) is var image && image.Status != "active")
        {
            if (image.Status == "killed") throw new InvalidOperationException(image.ToString());
            most = Math.Max(most, Everything().Sum(ResidentBytes) / MiB);
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        return most;
    }

    private async Task DownloadAsync(ImageApi user, byte[] packed)
    {
        var id = await user.CreateAsync("qcow2");
        var source = site.Web.Publish("packed", packed);
        var (clock, cpu) = (Stopwatch.StartNew(), CpuSeconds());
        Expect(await user.DownloadFromAsync(id, source), System.Net.HttpStatusCode.Accepted);
        Add(Figures.Stall, await LongestAnswerAsync(user, id));
        Add(Figures.ImportPacked, clock.Elapsed.TotalSeconds);
        Add(Figures.ImportPackedCpu, CpuSeconds() - cpu);
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

    // glance-api and sidecar together, with the programs that they ran.
    private double CpuSeconds()
    {
        var processes = site[0].Processes.ToList();
        if (site.WithSidecar) processes.Add(site.Sidecars[0].ProcessId);
        return processes.Sum(CpuSeconds);
    }

    // What the programs have that they run now, too.
    private HashSet<int> Everything()
    {
        List<int> started = [.. site[0].Processes];
        if (site.WithSidecar) started.Add(site.Sidecars[0].ProcessId);
        return [.. started, .. started.SelectMany(ProcessTree.Descendants)];
    }

    private static double ResidentBytes(int processId)
    {
        try
        {
            var pages = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/statm")).Split(' ')[1];
            return double.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        }
        catch (IOException)
        {
            return 0; // it has ended
        }
    }

    private static double CpuSeconds(int processId)
    {
        var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
        // utime, stime, and both of children that ended: fields 14 to 17; the name before them may hold spaces.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[11..15].Sum(field => double.Parse(field, CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    private void Add(string figure, double value)
    {
        if (!_figures.TryGetValue(figure, out var values)) _figures[figure] = values = [];
        values.Add(value);
    }

    private static void Expect(Answer answer, System.Net.HttpStatusCode status)
    {
        if (answer.Status != status) throw new InvalidOperationException(answer.ToString());
    }

    /// <summary>The figures that an upload and its import are measured for.</summary>
    private sealed record Measured(string Time, string? Cpu = null, string? Memory = null, bool IsStage = false);
}
