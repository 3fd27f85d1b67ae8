using NUnit.Framework;
using Stagectl.Output;

namespace Stagectl.Tests;

internal sealed class ByteTextTests
{
    [TestCase("0", 0)]
    [TestCase("4096", 4096)]
    [TestCase("4K", 4096)]
    [TestCase("1mib", 1 << 20)]
    [TestCase("2 GiB", 2L << 30)]
    public void TryParse_Size_IsBytes(string text, long expected)
    {
        Assert.That(ByteText.TryParse(text, out var bytes), Is.True);
        Assert.That(bytes, Is.EqualTo(expected));
    }

    [TestCase("")]
    [TestCase("MiB")]
    [TestCase("1.5G")]
    [TestCase("-1")]
    [TestCase("1 parsec")]
    [TestCase("9223372036854775807K")]
    public void TryParse_NoSize_IsRefused(string text) => Assert.That(ByteText.TryParse(text, out _), Is.False);

    [TestCase(0, "0 B")]
    [TestCase(999, "999 B")]
    [TestCase(1 << 20, "1.00 MiB")]
    [TestCase(300L << 30, "300 GiB")]
    public void Format_Bytes_HasThreeDigits(long bytes, string expected) =>
        Assert.That(ByteText.Format(bytes), Is.EqualTo(expected));
}
