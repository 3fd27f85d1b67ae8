using Grpc.Wire;

namespace Grpc.Tests.Wire;

public sealed class PercentEncodingTests
{
    [TestCase("plain text, 100 times!", "plain text, 100 times!")]
    [TestCase("100%", "100%25")]
    [TestCase("a\r\nb\t", "a%0D%0Ab%09")]
    [TestCase("\u263a \U0001f608", "%E2%98%BA %F0%9F%98%88")]
    public void Encode_AnyText_ReadsBack(string text, string encoded)
    {
        Assert.That(PercentEncoding.Encode(text), Is.EqualTo(encoded));
        Assert.That(PercentEncoding.Decode(encoded), Is.EqualTo(text));
    }

    [TestCase("50% off", "50% off")]
    [TestCase("%", "%")]
    [TestCase("%4", "%4")]
    [TestCase("%zz%41", "%zzA")]
    [TestCase("%ff", "\ufffd")]
    [TestCase("%e2%98%ba", "\u263a")]
    public void Decode_BrokenEscapes_StandForThemselves(string encoded, string text) =>
        Assert.That(PercentEncoding.Decode(encoded), Is.EqualTo(text));
}
