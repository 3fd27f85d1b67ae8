using System.Buffers.Binary;
using System.Text;
using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import.Decompression;

/// <summary>Archives of lha, which are made here: no program of Debian's packs them.</summary>
internal sealed class LhaTests : ImportTest
{
    private static readonly byte[] Noise = TestImages.Noise(300_000);

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_LhaOfOneFile_IsTheFile([Values(0, 1, 2)] int level, [Values(0, 5)] int method, CancellationToken cancellationToken)
    {
        // Of the packing methods, a stream of one byte is the shortest to make: its trees have one leaf.
        var content = method == 0 ? Noise : [.. Enumerable.Repeat((byte)'x', 200_000)];
        byte[] member = Member(level, $"-lh{method}-", method == 0 ? content : PackSame((byte)'x', content.Length), content);

        await AssertTakenAsync([.. member, 0], content, cancellationToken);
    }

    [TestCase(true)]
    [TestCase(false)]
    [CancelAfter(60_000)]
    public async Task Import_LhaWithFoldersAndBytesBehind_IsTheFile(bool isEnded, CancellationToken cancellationToken)
    {
        var folder = Member(1, "-lhd-", [], []);
        byte[] end = isEnded ? [0, .. "signature"u8] : [];

        await AssertTakenAsync([.. folder, .. Member(2, "-lh0-", Noise, Noise), .. folder, .. end], Noise, cancellationToken);
    }

    [TestCase("two", "more than one file")]
    [TestCase("folder", "no file")]
    [TestCase("-lh2-", "-lh2-")]
    [CancelAfter(60_000)]
    public async Task Import_LhaThatIsNotOneFile_IsRefusedByName(string kind, string says, CancellationToken cancellationToken)
    {
        byte[] archive = kind switch
        {
            "two" => [.. Member(0, "-lh0-", Noise, Noise), .. Member(2, "-lh0-", Noise, Noise), 0],
            "folder" => [.. Member(0, "-lhd-", [], []), 0],
            _ => [.. Member(0, kind, Noise, Noise), 0],
        };

        var import = await ImportAsync(Directory.Write("packed", archive), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressionUnsupported), import.Failure?.Message);
        Assert.That(import.Failure!.Message, Does.Contain("lha").And.Contain(says));
    }

    [TestCase("content")]
    [TestCase("length")]
    [TestCase("end")]
    [TestCase("packed")]
    [CancelAfter(60_000)]
    public async Task Import_DamagedLha_IsRefused(string where, CancellationToken cancellationToken)
    {
        byte[] archive = [.. Member(0, "-lh0-", Noise, Noise), 0];
        if (where == "content") archive[archive.Length / 2] ^= 1;
        if (where == "length") BinaryPrimitives.WriteInt32LittleEndian(archive.AsSpan(11), Noise.Length + 1);
        if (where == "end") archive = archive[..(archive.Length / 2)];
        if (where == "packed") archive = [.. Member(0, "-lh5-", Noise, Noise), 0];

        var import = await ImportAsync(Directory.Write("packed", archive), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressedDataCorrupt), import.Failure?.Message);
    }

    private async Task AssertTakenAsync(byte[] archive, byte[] content, CancellationToken cancellationToken)
    {
        var import = await ImportAsync(Directory.Write("packed", archive), cancellationToken);

        Assert.That(import.State, Is.EqualTo(ImportState.Succeeded), import.Failure?.Message);
        Assert.That(await File.ReadAllBytesAsync(import.Result!.OutputPath, cancellationToken), Is.EqualTo(content));
    }

    private static byte[] Member(int level, string method, byte[] packed, byte[] content)
    {
        var name = Encoding.ASCII.GetBytes(method == "-lhd-" ? "folder/" : "disk.raw");
        // Behind the length and the sum of the header.
        List<byte> header =
        [
            .. Encoding.ASCII.GetBytes(method), .. UInt32(packed.Length), .. UInt32(content.Length), 0, 0, 0, 0, 0x20, (byte)level,
        ];
        if (level < 2) header.AddRange([(byte)name.Length, .. name]);
        header.AddRange(UInt16(Crc(content)));
        if (level > 0) header.Add((byte)'U');
        if (level == 2) header.AddRange([.. UInt16(name.Length + 3), 1, .. name]);
        if (level > 0) header.AddRange(UInt16(0));
        byte[] start = level == 2 ? UInt16(header.Count + 2) : [(byte)header.Count, (byte)header.Sum(next => next)];
        return [.. start, .. header, .. packed];
    }

    // Blocks of up to 65,535 codes: their number, and three trees, each of a single code, which then takes no bits.
    private static byte[] PackSame(byte value, int count)
    {
        var bits = new StringBuilder();
        for (; count > 0; count -= Math.Min(count, ushort.MaxValue))
        {
            bits.Append($"{Math.Min(count, ushort.MaxValue):b16}").Append($"{0:b10}").Append($"{0:b9}{value:b9}").Append($"{0:b8}");
        }

        var all = bits.Append('0', 7).ToString();
        return [.. Enumerable.Range(0, all.Length / 8).Select(at => Convert.ToByte(all.Substring(at * 8, 8), 2))];
    }

    private static int Crc(byte[] content)
    {
        var crc = 0;
        foreach (var next in content)
        {
            crc ^= next;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xA001 : crc >> 1;
        }

        return crc;
    }

    private static byte[] UInt16(int value) => [(byte)value, (byte)(value >> 8)];

    private static byte[] UInt32(int value) => [.. UInt16(value), .. UInt16(value >> 16)];
}
