using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Tests.Wire;

public sealed class MetadataHeadersTests
{
    [TestCase("q6ur")]
    [TestCase("q6s")]
    [TestCase("q6s=")]
    [TestCase("qw==")]
    [TestCase("qw")]
    [TestCase("")]
    public void Read_Base64WithOrWithoutPadding_GivesTheBytes(string text)
    {
        var metadata = new Metadata();
        MetadataHeaders.Read(metadata, "x-bin", text);
        Assert.That(metadata.GetValueBytes("x-bin"), Is.All.EqualTo((byte)0xab));
        Assert.That(metadata.GetValueBytes("x-bin"), Has.Length.EqualTo(text.TrimEnd('=').Length * 3 / 4));
    }

    [Test]
    public void Read_CommaJoinedBinary_GivesAnEntryForEach()
    {
        var metadata = new Metadata();
        MetadataHeaders.Read(metadata, "X-Bin", "AQ==,Ag, Aw");
        Assert.That(metadata.Select(entry => entry.ValueBytes[0]), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public void Read_NotBase64_IsInternal() => Assert.That(
        () => MetadataHeaders.Read([], "x-bin", "!!"),
        Throws.TypeOf<RpcException>().With.Property(nameof(RpcException.StatusCode)).EqualTo(StatusCode.Internal));

    [Test]
    public void Read_ProtocolHeaders_AreLeftOut()
    {
        var metadata = new Metadata();
        foreach (var name in new[] { ":path", "grpc-timeout", "Content-Type", "te", "grpc-status" })
            MetadataHeaders.Read(metadata, name, "1");

        Assert.That(metadata, Is.Empty);
    }

    [Test]
    public void Write_Binary_HasNoPadding()
    {
        List<string> lines = [];
        MetadataHeaders.Write(
            [new("a", "x"), new("b-bin", new byte[] { 1 })], (name, value) => lines.Add($"{name}: {value}"));
        Assert.That(lines, Is.EqualTo(new[] { "a: x", "b-bin: AQ" }));
    }

    [Test]
    public void Write_TextThatNoHeaderMayHave_IsRefused() => Assert.That(
        () => MetadataHeaders.Write([new("a", "x\r\ny")], (_, _) => { }), Throws.ArgumentException);

    [Test]
    public void Entry_UpperCaseKey_IsLowered() =>
        Assert.That(new Metadata.Entry("X-Key", "v").Key, Is.EqualTo("x-key"));

    [TestCase("x bin")]
    [TestCase("x:y")]
    public void Entry_BadKey_IsRefused(string key) =>
        Assert.That(() => new Metadata.Entry(key, "v"), Throws.ArgumentException);

    [Test]
    public void Empty_Add_IsRefused() =>
        Assert.That(() => Metadata.Empty.Add("a", "b"), Throws.InvalidOperationException);
}
