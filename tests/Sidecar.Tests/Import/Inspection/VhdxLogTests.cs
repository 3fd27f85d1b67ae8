using System.Buffers.Binary;
using NUnit.Framework;
using Sidecar.Staging.Files;

namespace Sidecar.Tests.Import.Inspection;

/// <summary>A VHDX whose machine was not shut down.</summary>
internal sealed class VhdxLogTests : InspectionTest
{
    private const int LogOffset = 1 << 20;
    private const int EntryBytes = 4096;
    private static readonly int[] Headers = [64 << 10, 128 << 10];

    [TestCase(0)]
    [TestCase(4096 * 7)]
    [TestCase((1 << 20) - 4096)]
    public void Inspect_LogWithAnEntry_RefusedWhereQemuRefuses(int at)
    {
        var path = Write(Dirty(at));

        Assert.That(Failed(InspectFile(path)), Is.EqualTo(new[] { "vhdx_log" }));
        Assert.That(QemuReads(path), Is.False);
    }

    [TestCase("torn")]
    [TestCase("foreign")]
    [TestCase("none")]
    public void Inspect_LogWithoutAnEntryOfItsOwn_PassesWhereQemuReads(string kind)
    {
        var image = Dirty(0);
        if (kind == "torn") image[LogOffset + 2000] ^= 1;
        if (kind == "none") image.AsSpan(LogOffset, EntryBytes).Clear();
        if (kind == "foreign")
        {
            image[LogOffset + 40] ^= 1;
            Sign(image.AsSpan(LogOffset, EntryBytes));
        }

        var path = Write(image);

        Assert.That(Failed(InspectFile(path)), Is.Empty);
        Assert.That(QemuReads(path), Is.True);
    }

    [Test]
    public void Inspect_LogOfEntriesWithinEachOther_Refused()
    {
        const int LogBytes = 1 << 20;
        var image = Dirty(0);
        var first = image.AsSpan(LogOffset, EntryBytes).ToArray();
        for (var at = 0; at < LogBytes; at += EntryBytes)
        {
            var entry = image.AsSpan(LogOffset + at, EntryBytes);
            first.CopyTo(entry);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], LogBytes - at); // as long as fits, and not signed
        }

        Assert.That(Failed(InspectFile(Write(image))), Is.EqualTo(new[] { "vhdx_log" }));
    }

    private static bool QemuReads(string path) =>
        CommandLine.TryRun("/", "qemu-img", "measure", "-f", "vhdx", "-O", "raw", path).ExitCode == 0;

    private string Write(byte[] image) => Directory.Write("dirty", image);

    private byte[] Dirty(int at) => Dirty(File.ReadAllBytes(Directory.Convert(Directory.Raw(), "vhdx", name: "image")), at);

    /// <summary>With an entry in its log, so many bytes behind the log's beginning.</summary>
    internal static byte[] Dirty(byte[] image, int at)
    {
        var log = Guid.NewGuid().ToByteArray();
        foreach (var header in Headers)
        {
            log.CopyTo(image, header + 48);
            Sign(image.AsSpan(header, 4096));
        }

        Assert.That(BinaryPrimitives.ReadInt64LittleEndian(image.AsSpan(Headers[0] + 72)), Is.EqualTo(LogOffset));
        var entry = image.AsSpan(LogOffset + at, EntryBytes);
        "loge"u8.CopyTo(entry);
        BinaryPrimitives.WriteInt32LittleEndian(entry[8..], EntryBytes);
        BinaryPrimitives.WriteInt32LittleEndian(entry[12..], at); // the tail: it begins here
        BinaryPrimitives.WriteInt64LittleEndian(entry[16..], 1);
        log.CopyTo(entry[32..]);
        BinaryPrimitives.WriteInt64LittleEndian(entry[48..], image.Length);
        BinaryPrimitives.WriteInt64LittleEndian(entry[56..], image.Length);
        Sign(entry);
        return image;
    }

    private static void Sign(Span<byte> block)
    {
        block.Slice(4, 4).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], Crc32C.Append(Crc32C.Empty, (ReadOnlySpan<byte>)block));
    }
}
