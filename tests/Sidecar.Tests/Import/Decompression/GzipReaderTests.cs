using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Import.Decompression.Codecs;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import.Decompression;

internal sealed class GzipReaderTests : IDisposable
{
    private static readonly byte[] Content = [.. TestImages.Noise(100_000), .. new byte[200_000]];
    private static readonly byte[] Packed = TestImages.Gzip(Content);

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Test]
    public void Read_OneMember_IsTheContent() => Assert.That(Unpack(Packed), SameBytes.As(Content));

    [Test]
    public void Read_FileOfGzip_WithNameInHeader_IsTheContent()
    {
        var packed = TestImages.Gzip(_directory.Write("named.img", Content));

        Assert.That(Unpack(File.ReadAllBytes(packed)), SameBytes.As(Content));
    }

    [Test]
    public void Read_ManyMembers_AreJoined()
    {
        var parts = Enumerable.Range(1, 100).Select(length => TestImages.Noise(length * 97)).ToArray();

        var content = Unpack([.. parts.SelectMany(TestImages.Gzip), .. TestImages.Gzip([])]);

        Assert.That(content, SameBytes.As([.. parts.SelectMany(part => part)]));
    }

    [Test]
    public void Read_PaddedByZeros_IsTheContent() =>
        Assert.That(Unpack([.. Packed, .. new byte[100_000]]), SameBytes.As(Content));

    [Test]
    public void Read_CutShortAnywhere_IsAnError()
    {
        var small = TestImages.Gzip([1, 2, 3]);
        for (var length = 3; length < small.Length; length++) AssertCorrupt(small[..length]);
        for (var length = 3; length < Packed.Length; length += 9973) AssertCorrupt(Packed[..length]);
        for (var cut = 1; cut < 12; cut++) AssertCorrupt(Packed[..^cut]);
    }

    [Test]
    public void Read_SecondMemberCutShortAnywhere_IsAnError()
    {
        var second = TestImages.Gzip([1, 2, 3]);
        for (var length = 1; length < second.Length; length++) AssertCorrupt([.. Packed, .. second[..length]]);
    }

    [TestCase(0, 2)]
    [TestCase(1, 2)]
    [TestCase(5, 2)]
    [TestCase(50_000, 1)]
    public void Read_Damaged_IsAnError(int fromEnd, int mask)
    {
        var damaged = Packed.ToArray();
        damaged[^(fromEnd + 1)] ^= (byte)mask;

        AssertCorrupt(damaged);
    }

    [Test]
    public void Read_OtherBytesBehind_AreLeftOut() =>
        Assert.That(Unpack([.. Packed, .. "metadata of its maker"u8]), SameBytes.As(Content));

    [Test]
    public void Read_FurtherMemberWithADamagedBeginning_IsAnError([Values(0, 1, 2)] int at)
    {
        var second = TestImages.Gzip([1, 2, 3]);
        second[at] ^= 0x40;

        AssertCorrupt([.. Packed, .. second]);
        AssertCorrupt([.. Packed, .. "something"u8, .. TestImages.Gzip([4, 5, 6])]);
    }

    [Test]
    public void Read_HeaderWithoutEnd_IsAnError() =>
        AssertCorrupt([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0, .. Enumerable.Repeat((byte)'x', 1 << 20)]);

    private void AssertCorrupt(byte[] packed) => Assert.That(
        () => Unpack(packed),
        Throws.InstanceOf<ImportException>()
            .With.Property(nameof(ImportException.Error)).EqualTo(ImportError.CompressedDataCorrupt));

    private byte[] Unpack(byte[] packed)
    {
        using var file = File.OpenHandle(_directory.Write("packed", packed));
        using var bytes = new GzipReader(file, "gzip");
        using var content = new MemoryStream();
        var buffer = new byte[10_000];
        while (bytes.Read(buffer) is var count and > 0) content.Write(buffer, 0, count);
        return content.ToArray();
    }
}
