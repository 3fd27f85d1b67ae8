using System.Security.Cryptography;
using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Tests.Import;

/// <summary>Conversions to raw, in one pass by one program.</summary>
internal sealed class RawConversionTests : ImportTest
{
    private static readonly string[] Kinds =
    [
        "qcow2", "qcow2:cluster_size=512", "qcow2:cluster_size=4k", "qcow2:cluster_size=2M", "qcow2:preallocation=metadata",
        "qcow2:-c", "vmdk", "vmdk:subformat=streamOptimized", "vdi", "vhdx", "vpc:force_size=on",
        "vpc:subformat=fixed,force_size=on",
    ];

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_EveryKind_IsWhatQemuImgMakes([ValueSource(nameof(Kinds))] string kind, CancellationToken cancellationToken)
    {
        var (format, options) = kind.Split(':') is [var name, var more] ? (name, more) : (kind, "");
        var image = Directory["image"];
        string[] choice = options switch { "" => [], "-c" => ["-c"], _ => ["-o", options] };
        CommandLine.Run("qemu-img", ["convert", "-f", "raw", "-O", format, .. choice, Scattered(), image]);
        var expected = Directory["expected"];
        CommandLine.Run("qemu-img", "convert", "-f", format, "-O", "raw", image, expected);

        var import = await ImportAsync(image, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        var output = import.Result!.OutputPath;
        Assert.That(new FileInfo(output).Length, Is.EqualTo(new FileInfo(expected).Length));
        CommandLine.Run("cmp", expected, output);
        Assert.That(import.Result.Digests["sha512"], Is.EqualTo(Sha512(output)));
        Assert.That(BytesOnDisk(output), Is.LessThanOrEqualTo(BytesOnDisk(expected)), "holes stay holes");
        Assert.That(Space.Snapshot().ReservedBytes, Is.Zero);
    }

    [TestCase(false)]
    [TestCase(true)]
    [CancelAfter(60_000)]
    public async Task Import_ToRaw_StartsOneProgramAndReadsNothingAgain(bool withoutDigests, CancellationToken cancellationToken)
    {
        var starts = Directory["starts"];
        UseScriptAsQemu($"{TellIn(starts)}; exec /usr/bin/qemu-nbd \"$@\"");
        var request = Request(Stage(Directory.Convert(Directory.Raw(), "qcow2"))) with { WithoutDigests = withoutDigests };

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(System.IO.Directory.EnumerateDirectories(starts).Count(), Is.EqualTo(1));
        Assert.That(import.Stages.Where(stage => stage.Name == "image_checksum").Sum(stage => stage.BytesTotal), Is.Zero);
        Assert.That(import.Result!.Digests.ContainsKey("md5"), Is.EqualTo(!withoutDigests));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_OfADamagedImage_FailsAsTheImagesFault(CancellationToken cancellationToken)
    {
        var image = Directory["image"];
        CommandLine.Run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", Text(), image);
        // The compressed clusters stand behind the tables.
        var bytes = await File.ReadAllBytesAsync(image, cancellationToken);
        bytes.AsSpan(bytes.Length * 3 / 4).Fill(0xFF);
        await File.WriteAllBytesAsync(image, bytes, cancellationToken);

        var import = await ImportAsync(image, cancellationToken);

        Assert.That(
            (import.Failure?.Error, import.Failure?.Facts.GetValueOrDefault("tool")),
            Is.EqualTo((ImportError.ToolFailed, "qemu-nbd")), import.Failure?.Message);
        Assert.That(import.Failure!.Message, Does.Contain("cannot be read"));
        Assert.That(WorkFiles(import.ImportId), Is.EqualTo(new[] { "import.json" }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_ByAServerThatTalksNonsense_IsToBeTriedAgain(CancellationToken cancellationToken)
    {
        UseScriptAsQemu(
            "exec python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind(\"s\"); s.listen(); "
            + "c = s.accept()[0]; c.sendall(b\"HTTP/1.1 400 Bad Request\\r\\n\"); c.recv(1)'");

        var import = await ImportAsync(Directory.Create("image", "-f", "qcow2"), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolUnavailable), import.Failure?.Message);
        Assert.That(import.Failure!.Message, Does.Not.Contain("HTTP"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_WithoutTheProgram_NamesTheSetting(CancellationToken cancellationToken)
    {
        Configure("Tools:QemuNbd", "/nowhere/qemu-nbd");

        var import = await ImportAsync(Directory.Create("image", "-f", "qcow2"), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolMissing));
        Assert.That(import.Failure?.Message, Does.Contain("Import:Tools:QemuNbd"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_BelowAPathLongerThanASocketMayHave_Succeeds(CancellationToken cancellationToken)
    {
        StagingDirectory = Directory[new string('p', 150)];

        var import = await ImportAsync(Directory.Convert(Directory.Raw(), "qcow2"), cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(System.IO.Directory.EnumerateDirectories(Layout.ImportDirectory(import.ImportId)), Is.Empty);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_WhereAKilledDaemonLeftASocket_Succeeds(CancellationToken cancellationToken)
    {
        var request = Request(Stage(Directory.Convert(Directory.Raw(), "qcow2")));
        var left = Path.Combine(Layout.ImportDirectory(request.ImportId), $"{request.ImageId}.nbd");
        System.IO.Directory.CreateDirectory(left);
        await File.WriteAllTextAsync(Path.Combine(left, "s"), "", cancellationToken);

        var import = await RunAsync(request, cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(left, Does.Not.Exist);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_OfATerabyteOfNothing_IsStoppedInTime(CancellationToken cancellationToken)
    {
        Configure("Conversion:Timeout", "00:00:01");
        CommandLine.Run("qemu-img", "create", "-q", "-f", "qcow2", Directory["image"], "1T");

        var import = await ImportAsync(Directory["image"], cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.ToolTimedOut), import.Failure?.Message);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_WhereThereIsNoRoom_LeavesNoProgramBehind(CancellationToken cancellationToken)
    {
        var pid = Directory["pid"];
        UseScriptAsQemu($"{TellIn(pid)}; exec /usr/bin/qemu-nbd \"$@\"");
        FreeBytes = TestImages.Megabyte;

        var import = await ImportAsync(Directory.Convert(Directory.Raw(), "qcow2"), cancellationToken);

        Assert.That((import.Failure?.Error, import.Failure?.Stage), Is.EqualTo((ImportError.NoSpace, "image_conversion")));
        Assert.That(IsGone(pid), Is.True);
    }

    /// <summary>A disk with runs of data and of nothing, of all sizes, at all places.</summary>
    private string Scattered()
    {
        var random = new Random(5);
        var path = Directory["scattered.raw"];
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        const int Size = 13 * TestImages.Megabyte;
        for (var at = random.Next(100_000); at < Size - 300_000; at += random.Next(900_000))
        {
            var data = new byte[1 << random.Next(19)];
            random.NextBytes(data);
            if (random.Next(3) == 0) data.AsSpan(0, data.Length / 2).Clear();
            RandomAccess.Write(file, data, at);
            at += data.Length;
        }

        RandomAccess.SetLength(file, Size + 512 * 3);
        return path;
    }

    private string Text() =>
        Directory.Write("text.raw", System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 400_000).Select(i => $"{i:D8} "))[..(3 << 20)]));

    private static string Sha512(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA512.HashData(file));
    }

    private static long BytesOnDisk(string path)
    {
        var length = new FileInfo(path).Length;
        using var file = RegularFile.OpenToRead(path);
        var bytes = 0L;
        for (var at = 0L; Posix.NextData(file, at, length) is var run && run.Start < length; at = run.End) bytes += run.End - run.Start;
        return bytes;
    }
}
