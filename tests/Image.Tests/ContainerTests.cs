using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using NUnit.Framework;

namespace Image.Tests;

/// <summary>One container, bound as tightly as a cluster binds it.</summary>
internal sealed class ContainerTests
{
    private const string Id = "11111111-2222-4333-8444-555555555555";
    private const string ImportId = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    private const int Mebibyte = 1 << 20;

    [Test]
    public async Task Run_Unprivileged_StagesAndImportsAnImage()
    {
        var volume = await PodVolume.CreateAsync();
        await using var sidecar = await SidecarContainer.StartAsync(volume);

        await sidecar.ExecAsync("stagectl", "put", "/data/disk.qcow2", "--id", Id, "--format", "qcow2");
        await sidecar.ExecAsync("stagectl", "import", Id, "--id", ImportId, "--to", "raw");
        await sidecar.ExecAsync("stagectl", "get", Id, "--import", ImportId, "-o", "/out/disk.raw");

        await Command.RunAsync(
            "qemu-img", "compare", "-f", "qcow2", "-F", "raw", volume.Disk,
            Path.Combine(volume.Out, "disk.raw"));
        Assert.That(
            await File.ReadAllBytesAsync(Path.Combine(volume.Staging, Id)),
            SameBytes.As(await File.ReadAllBytesAsync(volume.Disk)));
        Assert.That(sidecar.Logged("\"LogLevel\":\"Error\""), Is.Empty);
        await BuiltImage.Store.PodmanAsync("healthcheck", "run", sidecar.Name);
    }

    [Test]
    public async Task Run_AsStarted_HasNeitherPrivilegesNorAWritableRoot()
    {
        var volume = await PodVolume.CreateAsync();
        await using var sidecar = await SidecarContainer.StartAsync(volume);
        var process = await sidecar.ProcessIdAsync();

        var status = await StatusAsync(process);
        Assert.That(status["Uid"].Split('\t'), Is.All.EqualTo($"{BuiltImage.Uid}"));
        Assert.That(status["Gid"].Split('\t'), Is.All.EqualTo($"{BuiltImage.Uid}"));
        foreach (var set in (string[])["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
        {
            Assert.That(status[set], Is.EqualTo("0000000000000000"), set);
        }

        Assert.That((status["NoNewPrivs"], status["Seccomp"]), Is.EqualTo(("1", "2")));
        var root = (await File.ReadAllLinesAsync($"/proc/{process}/mountinfo"))
            .Select(line => line.Split(' ')).Single(mount => mount[4] == "/");
        Assert.That(root[5].Split(','), Does.Contain("ro"));
        var shell = await BuiltImage.Store.TryPodmanAsync("exec", sidecar.Name, "/bin/sh", "-c", "true");
        Assert.That(shell.ExitCode, Is.Not.Zero, "there was a shell after all");
    }

    [Test]
    public async Task Run_WorkDone_HasExecutedNothingButFilesOfTheImage()
    {
        var volume = await PodVolume.CreateAsync();
        await using var sidecar = await SidecarContainer.StartAsync(volume);
        await sidecar.ExecAsync("stagectl", "put", "/data/disk.qcow2", "--id", Id, "--format", "qcow2");

        // Of each mapping: addresses, mode, offset, device, inode, and the file or what the kernel calls it.
        var code = (await File.ReadAllLinesAsync($"/proc/{await sidecar.ProcessIdAsync()}/maps"))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(mapping => mapping[1].Contains('x', StringComparison.Ordinal)).ToList();

        Assert.That(code, Is.Not.Empty);
        Assert.That(code.Select(mapping => mapping[1]), Has.None.Contains('w'));
        Assert.That(
            code.Select(mapping => mapping.ElementAtOrDefault(5) ?? "nameless memory"),
            Has.All.StartsWith("/usr/").Or.EqualTo("[vdso]").Or.EqualTo("[vsyscall]"));
    }

    [Test]
    public async Task Stop_InMidUpload_EndsWithinItsGraceAndTheUploadGoesOn()
    {
        var volume = await PodVolume.CreateAsync();
        var content = PodVolume.Noise(5 * Mebibyte);
        using var put = Command.Start(
            BuiltImage.Stagectl, "--server", "unix:" + volume.Socket, "put", "-", "--id", Id, "--retry-for", "2m");
        var errors = put.StandardError.ReadToEndAsync();
        await using (var first = await SidecarContainer.StartAsync(volume))
        {
            await put.StandardInput.BaseStream.WriteAsync(content.AsMemory(0, 3 * Mebibyte));
            await put.StandardInput.BaseStream.FlushAsync();
            await UntilReceivedAsync(volume, 3 * Mebibyte);

            Assert.That(await first.StopAsync(graceSeconds: 20), Is.Zero, "exit code");
        }

        await using var second = await SidecarContainer.StartAsync(volume);
        await UntilReceivedAsync(volume, 3 * Mebibyte);
        await put.StandardInput.BaseStream.WriteAsync(content.AsMemory(3 * Mebibyte));
        put.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await put.WaitForExitAsync(patience.Token);
        Assert.That(put.ExitCode, Is.Zero, await errors);
        Assert.That(await File.ReadAllBytesAsync(Path.Combine(volume.Staging, Id)), SameBytes.As(content));
    }

    [Test]
    public async Task Start_WithoutAWritableVolume_SaysSo()
    {
        var (exitCode, _, error) = await BuiltImage.Store.TryPodmanAsync(
            "run", "--rm", "--read-only", "--read-only-tmpfs=false", BuiltImage.Name);
        Assert.That(exitCode, Is.EqualTo(2), error);
        Assert.That(error, Does.Contain("glance-staging-sidecar: The staging directory").And.Contain("cannot be used"));
    }

    [Test, Category("Bench")]
    public async Task Start_TimeAndMemory()
    {
        var volume = await PodVolume.CreateAsync();
        await using var sidecar = await SidecarContainer.StartAsync(volume);
        var process = await sidecar.ProcessIdAsync();
        using var listens = JsonDocument.Parse(sidecar.Logged("listens on").Single());
        var ready = listens.RootElement.GetProperty("Timestamp").GetDateTimeOffset()
            - Process.GetProcessById(process).StartTime;
        Table.Write("start of the process to listening", $"{ready.TotalMilliseconds:F0} ms");
        Table.Write("resident, idle", $"{await ResidentAsync(process)} MiB");
        await sidecar.ExecAsync("stagectl", "put", "/data/disk.qcow2", "--id", Id);
        await sidecar.ExecAsync("stagectl", "import", Id, "--to", "raw");
        Table.Write("resident, after an upload and an import", $"{await ResidentAsync(process)} MiB");
        Assert.That(ready, Is.LessThan(TimeSpan.FromSeconds(10)).And.GreaterThan(TimeSpan.Zero));
    }

    private static async Task<long> ResidentAsync(int process) => long.Parse(
        (await StatusAsync(process))["VmRSS"].Split(' ')[0], CultureInfo.InvariantCulture) / 1024;

    private static async Task<Dictionary<string, string>> StatusAsync(int process) =>
        (await File.ReadAllLinesAsync($"/proc/{process}/status"))
            .Select(line => line.Split(':', 2)).ToDictionary(pair => pair[0], pair => pair[1].Trim());

    // A look takes a process of its own, which is pause enough.
    private static async Task UntilReceivedAsync(PodVolume volume, long offset)
    {
        var end = DateTime.UtcNow + TimeSpan.FromMinutes(1);
        while (true)
        {
            var (exitCode, output, error) = await Command.TryAsync(
                BuiltImage.Stagectl, "--server", "unix:" + volume.Socket, "uploads", Id, "--json");
            if (exitCode == 0 && Received(output) >= offset) return;
            Assert.That(DateTime.UtcNow, Is.LessThan(end), $"the upload did not get to {offset}: {output}{error}");
        }
    }

    private static long Received(string upload)
    {
        using var document = JsonDocument.Parse(upload);
        // protobuf's JSON has 64-bit numbers as text, and leaves out a zero.
        return document.RootElement.TryGetProperty("receivedOffset", out var offset)
            ? long.Parse(offset.GetString()!, CultureInfo.InvariantCulture)
            : 0;
    }
}
