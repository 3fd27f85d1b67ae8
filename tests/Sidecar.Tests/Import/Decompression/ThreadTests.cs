using System.Text;
using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import.Decompression;

/// <summary>How many threads a program is given for a file of many blocks.</summary>
internal sealed class ThreadTests : ImportTest
{
    private const string Blocks = "--block-size=1MiB --threads=2";

    [TestCase(Blocks, "", "--threads=2", Description = "many blocks")]
    [TestCase("--threads=1", "", "--threads=1", Description = "one block")]
    [TestCase(Blocks, "67108864", "--threads=1", Description = "memory for one only")]
    [CancelAfter(60_000)]
    public async Task Import_Xz_TakesTheThreadsThatItsBlocksAndTheMemoryAllow(
        string packing, string memory, string threads, CancellationToken cancellationToken)
    {
        Assume.That(Environment.ProcessorCount, Is.GreaterThan(1));
        var raw = Directory.Raw(megabytes: 8);
        CommandLine.RunIn(Directory.Path, "xz", ["-k", "-1", .. packing.Split(' '), raw]);
        // The last of the same options counts.
        UseScript("Xz", $"for option; do case $option in --threads=*) last=$option;; esac; done; [ $last = {threads} ] || exit 1");
        if (memory.Length > 0) Configure("MaxMemoryBytes", memory);

        var import = await ImportAsync(raw + ".xz", cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        AssertSameDisk(raw, "raw", import.Result!.OutputPath, "raw");
    }

    [TestCase(8, "", true, Description = "many blocks")]
    [TestCase(1, "", false, Description = "few blocks")]
    [TestCase(8, "50331648", false, Description = "memory for one only")]
    [CancelAfter(60_000)]
    public async Task Import_Bzip2_TakesTheProgramWithThreadsWhereBlocksAndMemoryAllow(
        int megabytes, string memory, bool inThreads, CancellationToken cancellationToken)
    {
        Assume.That(Environment.ProcessorCount, Is.GreaterThan(1));
        UseScript("Bzip2", inThreads ? "exit 1" : "");
        UseScript("Lbzip2", inThreads ? "case $* in *-n1) exit 1;; *-n*) ;; *) exit 1;; esac" : "exit 1");
        if (memory.Length > 0) Configure("MaxMemoryBytes", memory);

        await AssertBzip2IsUnpackedAsync(megabytes, cancellationToken);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_Bzip2WithoutTheProgramWithThreads_IsUnpackedByOne(CancellationToken cancellationToken)
    {
        Configure("Tools:Lbzip2", Directory["nowhere"]);

        await AssertBzip2IsUnpackedAsync(8, cancellationToken);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_XzWhoseIndexSaysNonsense_IsRefused(CancellationToken cancellationToken)
    {
        CommandLine.RunIn(Directory.Path, "xz", ["-k", .. Blocks.Split(' '), Directory.Raw(megabytes: 8)]);
        var archive = await File.ReadAllBytesAsync(Directory["disk.raw.xz"], cancellationToken);
        var index = archive.Length - 12 - ((BitConverter.ToInt32(archive, archive.Length - 8) + 1) * 4);
        Assert.That(archive[index..(index + 2)], Is.EqualTo(new byte[] { 0, 8 }));
        // The lengths of two blocks, each almost as large as a number can be.
        for (var i = 2; i < 18; i++) archive[index + i] = i is 9 or 17 ? (byte)0x7f : (byte)0xff;

        var import = await ImportAsync(Directory.Write("packed", archive), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressedDataCorrupt), import.Failure?.Message);
    }

    private async Task AssertBzip2IsUnpackedAsync(int megabytes, CancellationToken cancellationToken)
    {
        var content = TestImages.Noise(megabytes * TestImages.Megabyte);
        CommandLine.RunIn(Directory.Path, "bzip2", Directory.Write("noise", content));
        var import = await ImportAsync(Directory["noise.bz2"], cancellationToken);
        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(File.ReadAllBytes(import.Result!.OutputPath), SameBytes.As(content));
    }

    private void UseScript(string tool, string check)
    {
        var program = tool.ToLowerInvariant();
        var path = Directory.Write($"{program}.sh", Encoding.UTF8.GetBytes($"#!/bin/sh\n{check}\nexec {program} \"$@\"\n"));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Configure($"Tools:{tool}", path);
        Configure("Confinement", "off"); // it starts another program
    }
}
