using System.Diagnostics;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Importing;

/// <summary>Images that ask for much memory, several at once, in a cgroup as a pod has one.</summary>
internal sealed class MemoryTests : SidecarTest
{
    [Test]
    public async Task Imports_ThatTogetherTakeMoreThanThePodHas_WaitForEachOther()
    {
        using var limit = new MemoryLimit(2L << 30);
        await ImportFourAsync(limit.Launcher);
    }

    private static async Task ImportFourAsync(string[] launcher)
    {
        using var directory = TestDirectory.Create();
        var greedy = await GreedyAsync(directory);
        // It tells of another that runs, by directories, as it may write no files.
        var (tool, running, overlap) = (directory["xz"], directory["running"], directory["overlap"]);
        await File.WriteAllTextAsync(
            tool,
            $"#!/bin/sh\nmkdir {running} || mkdir {overlap}\n/usr/bin/xz \"$@\"\ncode=$?\nrmdir {running}\nexit $code\n",
            Deadline);
        File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await using var sidecar = await SidecarInstance.StartUnderAsync(
            launcher, directory.Path, "--Import:MaxConcurrent", "4", "--Import:Tools:Xz", tool, "--Import:Confinement", "off");

        var imports = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ImportAsync(sidecar, greedy)));

        Assert.That(imports.Select(import => import.Failure?.Message), Is.All.Null);
        Assert.That(Directory.Exists(overlap), Is.False, "two together take more than half of what the pod has");
        Assert.That((await StageAsync(sidecar, NewId(), Content(1000))).Size, Is.EqualTo(1000), "uploads go on");
    }

    private static async Task<ImportMessage> ImportAsync(SidecarInstance sidecar, byte[] image)
    {
        var id = NewId();
        await StageAsync(sidecar, id, image);
        var request = new RunImportRequest { ImageId = id, WithoutDigests = true };
        using var call = sidecar.Imports.RunImport(request, cancellationToken: Deadline);
        ImportMessage? last = null;
        try
        {
            while (await call.ResponseStream.MoveNext(Deadline)) last = call.ResponseStream.Current.Import;
        }
        catch (RpcException) when (last?.State is ImportMessage.Types.State.Failed)
        {
            // The last event tells the same.
        }

        return last!;
    }

    /// <summary>700 MiB of zeros in an xz file whose header asks the reader for a dictionary of 768 MiB.</summary>
    private static async Task<byte[]> GreedyAsync(TestDirectory directory)
    {
        const string Make = """
            import lzma, struct, sys, zlib
            packer = lzma.LZMACompressor(check=lzma.CHECK_CRC32, preset=0)
            packed = bytearray(b"".join(packer.compress(bytes(1 << 20)) for _ in range(700)) + packer.flush())
            header = packed[12:12 + (packed[12] + 1) * 4]
            header[header.index(b"\x21\1") + 2] = 35
            header[-4:] = struct.pack("<I", zlib.crc32(bytes(header[:-4])))
            packed[12:12 + len(header)] = header
            open(sys.argv[1], "wb").write(packed)
            """;
        using var python = Process.Start("python3", ["-c", Make, directory["greedy.xz"]]);
        await python.WaitForExitAsync(Deadline);
        return await File.ReadAllBytesAsync(directory["greedy.xz"], Deadline);
    }
}
