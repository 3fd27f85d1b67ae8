using System.Text;
using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import;

/// <summary>What ends a program from outside is no verdict on the image; what it says of the image is.</summary>
internal sealed class ToolEndsTests : ImportTest
{
    private static readonly string[] Machine =
    [
        "kill -KILL $$", "kill -TERM $$", "kill -SEGV $$", "kill -ABRT $$", "exit 137", "exit 127", "exit 126",
        "echo 'prlimit: failed to set the AS resource limit: Operation not permitted' >&2; exit 1",
        "echo 'unshare: unshare failed: No space left on device' >&2; exit 1",
        "echo 'it: Cannot allocate memory' >&2; exit 1",
        "echo 'it: error while loading shared libraries: libz.so.1' >&2; exit 1",
    ];

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_ConversionThatTheMachineEnds_IsToBeTriedAgain(
        [Values("raw", "vmdk")] string target, [ValueSource(nameof(Machine))] string end, CancellationToken cancellationToken)
    {
        UseScriptAsQemu(end);
        var id = Stage(Directory.Create("image", "-f", "qcow2"));

        var import = await RunAsync(Request(id) with { OutputDiskFormat = target }, cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolUnavailable), import.Failure?.Message);
        Assert.That(import.Failure!.Message, Does.Contain("start a new import"));
        Assert.That(File.Exists(Layout.ImageFile(id)), "the staged bytes are still there");
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_MeasureThatTheMachineEnds_IsToBeTriedAgain(
        [Values("raw", "vmdk")] string target, [Values("kill -KILL $$", "exit 127", "echo no answer")] string end,
        CancellationToken cancellationToken)
    {
        UseScript(target == "raw" ? "QemuNbd" : "QemuImg", end);
        var request = Request(Stage(Directory.Create("image", "-f", "qcow2"))) with { OutputDiskFormat = target };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolUnavailable), import.Failure?.Message);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_DecompressorThatTheMachineEnds_IsToBeTriedAgain(
        [Values("xz", "zstd", "bzip2", "lbzip2", "lz4")] string program, [ValueSource(nameof(Machine))] string end,
        CancellationToken cancellationToken)
    {
        UseScript(char.ToUpperInvariant(program[0]) + program[1..], end);
        var isForThreads = program == "lbzip2"; // which is not taken for fewer than two blocks and processors
        Assume.That(Environment.ProcessorCount > 1 || !isForThreads);
        var bytes = isForThreads ? 4_000_000 : 100_000;
        CommandLine.RunIn(Directory.Path, "sh", "-c", $"head -c {bytes} /dev/urandom | {program} -c > packed");

        var import = await ImportAsync(Directory["packed"], cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolUnavailable), import.Failure?.Message);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_ToolWhoseLoaderIsMissing_IsToBeTriedAgain(CancellationToken cancellationToken)
    {
        UseScript("QemuNbd", "exit 0", interpreter: "/nowhere/ld.so");

        var import = await ImportAsync(Directory.Create("image", "-f", "qcow2"), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolUnavailable), import.Failure?.Message);
    }

    private void UseScript(string tool, string body, string interpreter = "/bin/sh")
    {
        var path = Directory.Write($"{tool}.sh", Encoding.UTF8.GetBytes($"#!{interpreter}\n{body}\n"));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Configure($"Tools:{tool}", path);
        Configure("Confinement", "off"); // scripts start other programs
    }
}
