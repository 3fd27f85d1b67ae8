using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Import.Processes;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Processes.Streams;
using Sidecar.Import.Settings;
using Sidecar.Import.Tools;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import.Processes;

/// <summary>Runs scripts in qemu-img's place, under the real prlimit, setpriv, unshare and timeout.</summary>
internal sealed class ChildRunnerTests : IDisposable
{
    private static readonly ChildLimits Ample =
        new(1L << 30, TimeSpan.FromMinutes(1), 1 << 20, TimeSpan.FromMinutes(1));

    // The scripts start programs, and tell what they see in /proc.
    private static readonly ConfinementSettings Unconfined = new(ConfinementSettings.Off, []);

    // As this test names them: $$ is the one in the script's own namespace.
    private const string TellId = "read id rest < /proc/self/stat; echo $id";
    private const string TellIds = "read id rest < /proc/self/stat; read children < /proc/$id/task/$id/children; echo $id $children";

    private readonly TempDirectory _directory = new();
    private readonly LauncherThread _launcher = new();

    public void Dispose()
    {
        _launcher.Dispose();
        _directory.Dispose();
    }

    [TestCase(false)]
    [TestCase(true)]
    [CancelAfter(30_000)]
    public async Task Kill_OfWhatNeverBeganOrHasEnded_IsNoFailure(bool hasNamespace, CancellationToken cancellationToken)
    {
        using var never = new ChildProcess(hasNamespace);
        never.KillAll();
        using var ended = new ChildProcess(hasNamespace) { StartInfo = new ProcessStartInfo("true") };
        ended.Start();
        await ended.WaitForExitAsync(cancellationToken);
        ended.KillAll();
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Run_Child_HasOwnEnvironmentAndClosedInput(CancellationToken cancellationToken)
    {
        var (outcome, output) = await RunAsync("env | sort; pwd; cat; echo end", Ample, cancellationToken);

        Assert.That(outcome.End, Is.EqualTo(ChildEnd.Succeeded), outcome.ErrorText);
        Assert.That(
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith("PWD=")),
            Is.EqualTo(new[]
            {
                "LANG=C", "MALLOC_ARENA_MAX=3", "PATH=" + ToolPaths.DefaultPath, _directory.Path, "end",
            }));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Run_Child_IsBoundAndWithoutPrivileges(CancellationToken cancellationToken)
    {
        var (outcome, output) = await RunAsync(
            "ulimit -v; ulimit -t; ulimit -n; ulimit -c; grep NoNewPrivs /proc/self/status", Ample, cancellationToken);

        Assert.That(outcome.End, Is.EqualTo(ChildEnd.Succeeded), outcome.ErrorText);
        Assert.That(output.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(
            new[] { "1048576", "60", "64", "0", "NoNewPrivs:", "1" }));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Run_Child_HasNoNetwork(CancellationToken cancellationToken)
    {
        var probe = CommandLine.TryRun("/", "unshare", "--net", "true");
        if (probe.ExitCode != 0) Assert.Ignore($"unshare is not permitted: {probe.Output}");

        var (_, output) = await RunAsync("cat /proc/net/dev | grep -c :", Ample, cancellationToken);

        Assert.That(output.Trim(), Is.EqualTo("1"), "only the loopback interface");
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Run_NonZeroExit_TellsCodeAndErrorText(CancellationToken cancellationToken)
    {
        var (outcome, _) = await RunAsync(@"printf 'bad \033[31mimage\n' >&2; exit 7", Ample, cancellationToken);

        Assert.That(outcome, Is.EqualTo(new ChildOutcome(ChildEnd.Failed, 7, "bad  [31mimage")));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Run_FloodOfErrors_KeepsTheEnd(CancellationToken cancellationToken)
    {
        var (outcome, _) = await RunAsync(
            "yes | head -c 10000000 >&2; echo last >&2; exit 1", Ample, cancellationToken);

        Assert.That(outcome.ErrorText, Has.Length.LessThanOrEqualTo(OutputTail.MaxChars).And.EndsWith("last"));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Run_TooLong_KilledWithItsChildren(CancellationToken cancellationToken)
    {
        var limits = Ample with { Timeout = TimeSpan.FromMilliseconds(300) };

        var (outcome, output) = await RunAsync($"sleep 1000 & {TellIds}; wait", limits, cancellationToken);

        Assert.That(outcome.End, Is.EqualTo(ChildEnd.TimedOut));
        Assert.That(output.Split(' ').Select(CommandLine.IsGone), Is.All.True);
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Run_Cancelled_ChildIsDeadWhenItReturns(CancellationToken cancellationToken)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pid = "";
        var command = Command($"{TellId}; exec sleep 1000", Ample, text =>
        {
            pid += text.ToString();
            if (pid.EndsWith('\n')) cancel.Cancel();
        });

        await Assert.ThatAsync(
            async () => await Runner().RunAsync(command, cancel.Token),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(CommandLine.IsGone(pid), Is.True);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Run_BusyLoop_StoppedByCpuLimit(CancellationToken cancellationToken)
    {
        var limits = Ample with { CpuTime = TimeSpan.FromSeconds(1) };

        var (outcome, _) = await RunAsync("exec perl -e '1 while 1' || while :; do :; done", limits, cancellationToken);

        Assert.That(outcome.End, Is.EqualTo(ChildEnd.CpuLimit));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Run_FileTooLarge_StoppedByFileSizeLimit(CancellationToken cancellationToken)
    {
        var (outcome, _) = await RunAsync("exec dd if=/dev/zero of=out bs=1M count=3", Ample, cancellationToken);

        Assert.That(outcome.End, Is.EqualTo(ChildEnd.FileSizeLimit));
        Assert.That(new FileInfo(_directory["out"]).Length, Is.EqualTo(1 << 20));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Run_Crash_IsKilled(CancellationToken cancellationToken)
    {
        var (outcome, _) = await RunAsync("kill -SEGV $$", Ample, cancellationToken);

        Assert.That((outcome.End, outcome.ExitCode), Is.EqualTo((ChildEnd.Killed, 128 + 11)));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task LauncherEnds_ChildDies(CancellationToken cancellationToken)
    {
        // As when the daemon is killed: the kernel sees the thread that started the child go.
        var launcher = new LauncherThread();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = Runner(launcher).RunAsync(
            Command("echo up; exec sleep 1000", Ample, _ => started.TrySetResult()), cancellationToken);
        await started.Task.WaitAsync(cancellationToken);

        launcher.Dispose();

        Assert.That((await running).ExitCode, Is.EqualTo(128 + 9));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Filter_GetsTheFile_AndIsRead(CancellationToken cancellationToken)
    {
        var content = TestImages.Noise(3 * TestImages.Megabyte);
        using var file = File.OpenHandle(_directory.Write("in", content));
        using var filter = await Runner().StartFilterAsync(
            Command("exec cat", Ample, _ => { }), file, cancellationToken);

        var read = ReadAll(filter);

        Assert.That(read, SameBytes.As(content));
        Assert.That((filter.Finish().End, filter.Fed), Is.EqualTo((ChildEnd.Succeeded, (long)content.Length)));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Filter_ThatIsCancelled_IsDead(CancellationToken cancellationToken)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var file = File.OpenHandle(_directory.Write("in", TestImages.Noise(TestImages.Megabyte)));
        using var filter = await Runner().StartFilterAsync(
            Command($"{TellId}; exec sleep 1000", Ample, _ => { }), file, cancel.Token);
        var buffer = new byte[100];
        var pid = System.Text.Encoding.ASCII.GetString(buffer, 0, filter.Read(buffer));

        await cancel.CancelAsync();

        // Sooner than its own time is over, which would kill it as well.
        Assert.That(await Task.Run(() => ReadAll(filter), cancellationToken).WaitAsync(cancellationToken), Is.Empty);
        Assert.That(filter.Finish, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(CommandLine.IsGone(pid), Is.True);
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Filter_ThatIsLeft_IsKilledWithItsChildren(CancellationToken cancellationToken)
    {
        using var file = File.OpenHandle(_directory.Write("in", TestImages.Noise(TestImages.Megabyte)));
        var buffer = new byte[100];
        string pids;
        using (var filter = await Runner().StartFilterAsync(
            Command($"sleep 1000 & {TellIds}; wait", Ample, _ => { }), file, cancellationToken))
        {
            pids = System.Text.Encoding.ASCII.GetString(buffer, 0, filter.Read(buffer));
        }

        Assert.That(pids.Split(' ').Select(CommandLine.IsGone), Is.All.True);
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Filter_ThatWantsNoMore_EndsAsItSays(CancellationToken cancellationToken)
    {
        using var file = File.OpenHandle(_directory.Write("in", TestImages.Noise(3 * TestImages.Megabyte)));
        using var filter = await Runner().StartFilterAsync(
            Command("head -c 5; echo enough >&2; exit 3", Ample, _ => { }), file, cancellationToken);

        Assert.That(ReadAll(filter), Has.Length.EqualTo(5));
        Assert.That(filter.Finish(), Is.EqualTo(new ChildOutcome(ChildEnd.Failed, 3, "enough")));
        Assert.That(filter.Fed, Is.LessThan(3 * TestImages.Megabyte));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Filter_OfAFileThatCannotBeRead_SaysSoInsteadOfTheProgram(CancellationToken cancellationToken)
    {
        // Nothing is mapped at address 0: EIO, as from a disk that fails.
        using var file = File.OpenHandle("/proc/self/mem");
        using var filter = await Runner().StartFilterAsync(
            Command("cat; exit 3", Ample, _ => { }), file, cancellationToken);

        Assert.That(ReadAll(filter), Is.Empty);
        Assert.That(filter.Finish, Throws.InstanceOf<IOException>());
    }

    [Test]
    public async Task Run_ToolMissing_NamesTheSetting()
    {
        var tools = new ToolPaths(new ToolOptions { QemuImg = "/nowhere/qemu-img" }, ToolPaths.DefaultPath);
        var runner = new ChildRunner(
            new Sandbox(tools, _launcher, Unconfined), _launcher, new ChildMemory(long.MaxValue), Metrics(),
            TimeProvider.System);

        await Assert.ThatAsync(
            async () => await runner.RunAsync(Command("true", Ample, _ => { }), CancellationToken.None),
            Throws.InstanceOf<ImportException>()
                .With.Property(nameof(ImportException.Error)).EqualTo(ImportError.ToolMissing)
                .And.Message.Contains("Import:Tools:QemuImg"));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task Probe_ThatFailedOnce_IsTriedAgain(CancellationToken cancellationToken)
    {
        // No program at first, as when the kernel has no memory for a process.
        var unshare = _directory.Write("unshare", "no program"u8.ToArray());
        File.SetUnixFileMode(unshare, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var tools = new ToolPaths(new ToolOptions { QemuImg = "/bin/sh", Unshare = unshare }, ToolPaths.DefaultPath);
        using var sandbox = new Sandbox(tools, _launcher, Unconfined);
        var runner = new ChildRunner(sandbox, _launcher, new ChildMemory(long.MaxValue), Metrics(), TimeProvider.System);
        await Assert.ThatAsync(
            () => runner.RunAsync(Command("true", Ample, _ => { }), cancellationToken), Throws.InstanceOf<ImportException>());

        File.Delete(unshare);
        File.Copy("/bin/false", unshare);

        var outcome = await runner.RunAsync(Command("true", Ample, _ => { }), cancellationToken);
        Assert.That(outcome.End, Is.EqualTo(ChildEnd.Succeeded), outcome.ErrorText);
    }

    private async Task<(ChildOutcome Outcome, string Output)> RunAsync(
        string script, ChildLimits limits, CancellationToken cancellationToken)
    {
        var output = new System.Text.StringBuilder();
        var command = Command(script, limits, text => output.Append(text));
        return (await Runner().RunAsync(command, cancellationToken), output.ToString());
    }

    private static byte[] ReadAll(ChildFilter filter)
    {
        var (all, buffer) = (new MemoryStream(), new byte[100_000]);
        while (filter.Read(buffer) is var count and > 0) all.Write(buffer, 0, count);
        return all.ToArray();
    }

    private ChildRunner Runner(LauncherThread? launcher = null)
    {
        var tools = new ToolPaths(new ToolOptions { QemuImg = "/bin/sh" }, ToolPaths.DefaultPath);
        return new ChildRunner(
            new Sandbox(tools, launcher ?? _launcher, Unconfined), launcher ?? _launcher, new ChildMemory(long.MaxValue),
            Metrics(), TimeProvider.System);
    }

    private static ChildMetrics Metrics() => new(new ServiceCollection().AddMetrics().BuildServiceProvider()
        .GetRequiredService<IMeterFactory>());

    private ChildCommand Command(string script, ChildLimits limits, Action<ReadOnlySpan<char>> onOutput) =>
        new(Tool.QemuImg, ["-c", script], _directory.Path, limits, onOutput);
}
