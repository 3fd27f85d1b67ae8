using NUnit.Framework;
using NUnit.Framework.Internal;

namespace Sidecar.Tests.Infrastructure;

/// <summary>What all comparisons of disks in the tests rest on.</summary>
internal sealed class SameBytesTests
{
    private static readonly byte[] Disk = [1, 2, 3];

    [Test]
    public void Apply_TheSameBytes_Succeeds() =>
        Assert.That(SameBytes.As(Disk).ApplyTo((byte[])[1, 2, 3]).IsSuccess, Is.True);

    [TestCase(new byte[] { 1, 2, 4 }, "3 bytes, of which the first 2 are as expected")]
    [TestCase(new byte[] { 1, 2 }, "2 bytes, of which the first 2 are as expected")]
    [TestCase(new byte[] { 1, 2, 3, 0 }, "4 bytes, of which the first 3 are as expected")]
    [TestCase(new byte[0], "0 bytes, of which the first 0 are as expected")]
    public void Apply_OtherBytes_FailsAndSaysWhere(byte[] actual, string text)
    {
        var result = SameBytes.As(Disk).ApplyTo(actual);

        using var message = new TextMessageWriter();
        result.WriteMessageTo(message);
        Assert.That(result.IsSuccess, Is.False);
        Assert.That(message.ToString(), Does.Contain("the 3 bytes expected").And.Contain(text));
    }

    [Test]
    public void Apply_NoBytes_IsAMistakeOfTheTest() =>
        Assert.That(() => SameBytes.As(Disk).ApplyTo("123"), Throws.ArgumentException);
}
