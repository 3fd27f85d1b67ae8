using System.Buffers;
using System.Text;
using NUnit.Framework;
using Sidecar.Staging.Files;

namespace Sidecar.Tests.Staging.Files;

internal sealed class Crc32CTests
{
    // RFC 3720, appendix B.4, and the check value of the CRC catalogues.
    private static readonly object[] Published =
    [
        new object[] { Encoding.ASCII.GetBytes("123456789"), 0xE3069283u },
        new object[] { new byte[32], 0x8A9136AAu },
        new object[] { Enumerable.Repeat((byte)0xFF, 32).ToArray(), 0x62A8AB43u },
        new object[] { Enumerable.Range(0, 32).Select(i => (byte)i).ToArray(), 0x46DD794Eu },
    ];

    [TestCaseSource(nameof(Published))]
    public void Append_PublishedVector_GivesPublishedValue(byte[] data, uint expected) =>
        Assert.That(Crc32C.Append(Crc32C.Empty, data), Is.EqualTo(expected));

    [Test]
    public void AppendZeros_AnyNumber_EqualsAppendingThem([Values(0, 1, 7, 8, 4096, 1_000_003)] int count)
    {
        foreach (var before in (uint[])[Crc32C.Empty, 0xE3069283, uint.MaxValue])
        {
            Assert.That(Crc32C.AppendZeros(before, count), Is.EqualTo(Crc32C.Append(before, new byte[count])));
        }
    }

    [Test]
    public void AppendZeros_MoreThanAnyMemory_EqualsItsHalvesInTurn()
    {
        const long half = 1L << 50;
        var twice = Crc32C.AppendZeros(Crc32C.AppendZeros(1, half), half);
        Assert.That(Crc32C.AppendZeros(1, 2 * half), Is.EqualTo(twice));
    }

    [Test]
    public void Combine_OfTwoPieces_EqualsAppendAtOnce([Values(0, 1, 37, 999, 1000)] int cut)
    {
        var data = new byte[1000];
        new Random(1).NextBytes(data);
        var (first, second) = (Crc32C.Append(Crc32C.Empty, data.AsSpan(0, cut)), Crc32C.Append(Crc32C.Empty, data.AsSpan(cut)));
        Assert.That(Crc32C.Combine(first, second, data.Length - cut), Is.EqualTo(Crc32C.Append(Crc32C.Empty, data)));
    }

    [Test]
    public void Append_InPieces_EqualsAppendAtOnce()
    {
        var data = new byte[1000];
        new Random(1).NextBytes(data);
        for (var cut = 0; cut < data.Length; cut += 37)
        {
            var first = Crc32C.Append(Crc32C.Empty, data.AsSpan(0, cut));
            Assert.That(
                Crc32C.Append(first, new ReadOnlySequence<byte>(data, cut, data.Length - cut)),
                Is.EqualTo(Crc32C.Append(Crc32C.Empty, data)));
        }
    }
}
