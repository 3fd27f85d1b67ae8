using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Import.Processes;
using Sidecar.Import.Processes.Confinement;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Settings;
using Sidecar.Import.Tools;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import.Processes;

/// <summary>Scripts in qemu-img's place, in a namespace of processes of their own, and where that is refused.</summary>
internal sealed class ChildNamespaceTests : IDisposable
{
    private const string Refusal = "unshare: unshare failed: No space left on device";

    private static readonly ChildLimits Ample =
        new(1L << 30, TimeSpan.FromMinutes(1), 1 << 20, TimeSpan.FromMinutes(1));

    private readonly TempDirectory _directory = new();
    private readonly LauncherThread _launcher = new();

    public void Dispose()
    {
        _launcher.Dispose();
        _directory.Dispose();
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Program_SeesNoProcessButItsOwn(CancellationToken cancellationToken)
    {
        using var sandbox = await SandboxAsync(refused: false);

        var (outcome, output) = await RunAsync(
            sandbox,
            $"kill -0 {Environment.ProcessId} && echo daemon; kill -0 -1 && echo others; kill -KILL 1; echo $$",
            cancellationToken);

        Assert.That(outcome.End, Is.EqualTo(ChildEnd.Succeeded), outcome.ErrorText);
        Assert.That(output, Is.EqualTo("2\n"), "the second one: the first waits for it, and cannot be killed by it");
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task End_IsToldAsItWas(
        [Values("XCPU 24 CpuLimit", "XFSZ 25 FileSizeLimit", "KILL 9 Killed", "SEGV 11 Killed", "TERM 15 Killed")] string expected,
        [Values] bool refused,
        CancellationToken cancellationToken)
    {
        using var sandbox = await SandboxAsync(refused);
        var words = expected.Split(' ');

        var (outcome, _) = await RunAsync(sandbox, $"kill -{words[0]} $$; exit 1", cancellationToken);

        Assert.That($"{words[0]} {outcome.ExitCode - ChildRunner.SignalBase} {outcome.End}", Is.EqualTo(expected), outcome.ErrorText);
    }

    [TestCase(0, ChildEnd.Succeeded)]
    [TestCase(7, ChildEnd.Failed)]
    [TestCase(69, ChildEnd.Failed)] // as flock says that there is no such program
    [TestCase(127, ChildEnd.NotRun)]
    [CancelAfter(60_000)]
    public async Task ExitCode_IsHandedOn(int code, ChildEnd end, CancellationToken cancellationToken)
    {
        using var sandbox = await SandboxAsync(refused: false);

        var (outcome, _) = await RunAsync(sandbox, $"exit {code}", cancellationToken);

        Assert.That((outcome.ExitCode, outcome.End), Is.EqualTo((code, end)), outcome.ErrorText);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task LockedProgram_KeepsNobodyWaiting(CancellationToken cancellationToken)
    {
        var flock = _directory.Write("flock", await File.ReadAllBytesAsync("/usr/bin/flock", cancellationToken));
        File.SetUnixFileMode(flock, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        using var sandbox = await SandboxAsync(refused: false, new ToolOptions { Flock = flock });
        // As by a program that was taken over: .NET takes an exclusive lock of what it does not share.
        using var held = File.Open(flock, FileMode.Open, FileAccess.Read, FileShare.None);

        var (outcome, _) = await RunAsync(sandbox, "exit 0", cancellationToken);

        Assert.That(outcome.End, Is.EqualTo(ChildEnd.Succeeded), outcome.ErrorText);
    }

    [TestCase("flock: failed to execute")]
    [TestCase("unshare: cannot change root")]
    [TestCase("setpriv: no")]
    public void WordsOfWhatStandsBefore_SayThatTheProgramDidNotRun(string said) =>
        Assert.That(ChildRunner.Classify(false, 1, said), Is.EqualTo(ChildEnd.NotRun));

    [Test]
    [CancelAfter(60_000)]
    public async Task Cancelled_NothingIsLeftWhenItReturns(CancellationToken cancellationToken)
    {
        using var sandbox = await SandboxAsync(refused: false);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var told = new StringBuilder();
        // Its own session, and other standard streams, as of one that wants to be left behind.
        const string Script = """
            for i in 1 2 3 4 5 6 7 8; do setsid sleep 1000 < /dev/null > /dev/null 2>&1 & done
            read id rest < /proc/self/stat; read children < /proc/$id/task/$id/children; echo $id $children; wait
            """;
        var command = Command(Script, text =>
        {
            told.Append(text);
            if (text.EndsWith('\n')) cancel.Cancel();
        });

        await Assert.ThatAsync(() => Runner(sandbox).RunAsync(command, cancel.Token), Throws.InstanceOf<OperationCanceledException>());

        var ids = told.ToString().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        Assert.That(ids, Has.Length.EqualTo(9));
        Assert.That(ids.Where(id => Directory.Exists($"/proc/{id}")), Is.Empty);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task FirstProcessKilled_TakesTheProgramAlong_AndSaysNothingOfTheImage(CancellationToken cancellationToken)
    {
        using var sandbox = await SandboxAsync(refused: false);
        var program = new StringBuilder();
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var command = Command("echo words >&2; read id rest < /proc/self/stat; echo $id; exec sleep 1000", text =>
        {
            program.Append(text);
            if (text.EndsWith('\n')) told.TrySetResult();
        });
        var running = Runner(sandbox).RunAsync(command, cancellationToken);
        await told.Task.WaitAsync(cancellationToken);
        var id = program.ToString().Trim();

        // As the kernel may, when a pod has no memory left: flock is the program's parent.
        var parent = (await File.ReadAllLinesAsync($"/proc/{id}/status", cancellationToken)).Single(line => line.StartsWith("PPid:"));
        Assert.That(LinuxCalls.Send(int.Parse(parent["PPid:".Length..]), LinuxCalls.SignalKill), Is.True);

        var outcome = await running;
        Assert.That(outcome.End, Is.EqualTo(ChildEnd.Killed), $"{outcome}");
        var failure = ToolFailures.Describe(Tool.QemuImg, outcome, Ample);
        Assert.That(failure.Error, Is.EqualTo(ImportError.ToolUnavailable));
        Assert.That(failure.Message, Does.Contain("was killed"));
        Assert.That(Directory.Exists($"/proc/{id}"), Is.False);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Kill_BeforeThereIsANamespace_EndsWhatWouldMakeIt(CancellationToken cancellationToken)
    {
        using var unshare = Start("sleep 1000");

        unshare.KillAll();

        await unshare.WaitForExitAsync(cancellationToken);
        Assert.That(unshare.ExitCode, Is.EqualTo(ChildRunner.SignalBase + LinuxCalls.SignalKill));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Kill_LeavesWhatWaitsForTheNamespaceToTellItsEnd(CancellationToken cancellationToken)
    {
        using var unshare = Start("sleep 1000 & echo; wait $!; exit 5");
        await unshare.StandardOutput.ReadLineAsync(cancellationToken);

        unshare.KillAll();

        await unshare.WaitForExitAsync(cancellationToken);
        Assert.That(unshare.ExitCode, Is.EqualTo(5));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Refused_TheNetworkIsTakenAlone_AndTheReasonTold(CancellationToken cancellationToken)
    {
        using var sandbox = await SandboxAsync(refused: true);

        var (outcome, output) = await RunAsync(sandbox, "grep -c : /proc/net/dev; kill -0 -1 && echo others", cancellationToken);

        Assert.That(output, Is.EqualTo("1\nothers\n"), outcome.ErrorText);
        var layers = sandbox.DescribeLayers().ToDictionary(layer => layer.Mechanism);
        Assert.That(layers["network_namespace"].Holds, Is.True);
        Assert.That(layers["pid_namespace"], Is.EqualTo(new ConfinementLayer("pid_namespace", false, Refusal)));
    }

    [TestCase("/nowhere/flock", "flock is not installed")]
    [TestCase("/bin/false", "its probe ended with exit code 1")]
    [CancelAfter(60_000)]
    public async Task WithoutAFirstProcess_TheReasonIsTold(string flock, string reason, CancellationToken cancellationToken)
    {
        using var sandbox = Sandbox(new ToolOptions { Flock = flock });

        await sandbox.FindLayersAsync(cancellationToken);

        Assert.That(sandbox.DescribeLayers().Single(layer => layer.Mechanism == "pid_namespace").Missing, Is.EqualTo(reason));
    }

    [Test]
    public void Launcher_UnderTheDaemon_RunsTheProgram() =>
        Assert.That(Confine(Environment.ProcessId, 2), Is.EqualTo((0, "ran\n")));

    [TestCase(1)] // of another parent: the one that it had has died
    [TestCase(3)]
    [TestCase(100)] // nobody is so far above
    public void Launcher_ElsewhereThanUnderTheDaemon_RunsNothing(int generations)
    {
        var (exitCode, said) = Confine(Environment.ProcessId, generations);

        Assert.That(exitCode, Is.EqualTo(ConfinedLauncher.CannotStart));
        Assert.That(said, Does.Contain("the sidecar has ended").And.Not.Contains("ran"));
    }

    // In a namespace as in those of children, but started by this test: flock is between.
    private static (int ExitCode, string Output) Confine(int daemon, int generations)
    {
        var launcher = new ConfinementSettings(ConfinementSettings.Available, []).Launcher;
        var options = new LaunchOptions(daemon, generations, 0, false, [], [], []);
        return CommandLine.TryRun(
            "/", "flock", ["--shared", "/proc/self/status", .. launcher, .. options.ToArguments(), "--", "/bin/sh", "-c", "echo ran"]);
    }

    private static ChildProcess Start(string script)
    {
        var process = new ChildProcess(hasNamespace: true)
        {
            StartInfo = new ProcessStartInfo("sh", ["-c", $"exec 2> /dev/null; {script}"]) { RedirectStandardOutput = true },
        };
        process.Start();
        return process;
    }

    /// <param name="refused">As by a machine that has no room for another namespace of processes.</param>
    /// <param name="tools">Where they are, unless they are where Debian has them.</param>
    private async Task<Sandbox> SandboxAsync(bool refused, ToolOptions? tools = null)
    {
        var unshare = _directory.Write("unshare", Encoding.UTF8.GetBytes($"""
            #!/bin/sh
            case " $* " in *" --pid "*) echo "{Refusal}" >&2; exit 1;; esac
            exec /usr/bin/unshare "$@"
            """));
        File.SetUnixFileMode(unshare, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var sandbox = Sandbox(refused ? new ToolOptions { Unshare = unshare } : tools ?? new ToolOptions());
        var layers = await sandbox.FindLayersAsync(CancellationToken.None);
        // Where the machine has them, they are to hold.
        var (exitCode, said) = CommandLine.TryRun("/", "unshare", ["--net", "--pid", "--fork", "true"]);
        if (exitCode != 0) Assert.Ignore($"There are no such namespaces here: {said}");
        Assert.That(layers.Namespaces.OwnNetwork, Is.True, layers.NetworkSaid);
        Assert.That(layers.Namespaces.OwnProcesses, Is.Not.EqualTo(refused), layers.ProcessesSaid);
        return sandbox;
    }

    private Sandbox Sandbox(ToolOptions options)
    {
        options.QemuImg = "/bin/sh";
        return new Sandbox(
            new ToolPaths(options, ToolPaths.DefaultPath), _launcher, new ConfinementSettings(ConfinementSettings.Off, []));
    }

    private async Task<(ChildOutcome Outcome, string Output)> RunAsync(
        Sandbox sandbox, string script, CancellationToken cancellationToken)
    {
        var output = new StringBuilder();
        return (await Runner(sandbox).RunAsync(Command(script, text => output.Append(text)), cancellationToken), output.ToString());
    }

    private ChildRunner Runner(Sandbox sandbox) =>
        new(sandbox, _launcher, new ChildMemory(long.MaxValue), Metrics(), TimeProvider.System);

    private ChildCommand Command(string script, Action<ReadOnlySpan<char>> onOutput) =>
        new(Tool.QemuImg, ["-c", script], _directory.Path, Ample, onOutput);

    private static ChildMetrics Metrics() => new(new ServiceCollection().AddMetrics().BuildServiceProvider()
        .GetRequiredService<IMeterFactory>());
}
