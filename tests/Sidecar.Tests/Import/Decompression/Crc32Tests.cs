using NUnit.Framework;
using Sidecar.Import.Decompression;

namespace Sidecar.Tests.Import.Decompression;

internal sealed class Crc32Tests
{
    [Test]
    public void Append_CheckString_IsTheStandardValue() =>
        Assert.That(Crc32.Append(0, "123456789"u8), Is.EqualTo(0xcbf43926));

    [Test]
    public void Append_AnyLengthAndStart_BothWaysAgree()
    {
        var noise = TestImages.Noise(1000);
        for (var length = 0; length < noise.Length; length++)
        {
            var data = noise.AsSpan(length % 7, Math.Min(length, noise.Length - 7));
            var crc = (uint)length * 2654435761;
            Assert.That(Crc32.Append(crc, data), Is.EqualTo(~Crc32.AppendByTables(~crc, data)), $"{length} bytes");
        }
    }
}
