using System.Text;
using NUnit.Framework;
using Stagectl.Ingest;

namespace Stagectl.Tests.Ingest;

internal sealed class AnswerReaderTests
{
    [TestCase("Content-Length: 5\r\n\r\nwords and more")]
    [TestCase("Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nwo\r\n3\r\nrds\r\n0\r\n\r\n")]
    [TestCase("\r\nwords")]
    public async Task Body_FramedInAnyWay_IsReadToItsEnd(string rest)
    {
        var answer = await ReadAsync("HTTP/1.1 400 Bad Request\r\nUpload-Offset: 17\r\n" + rest);

        Assert.That((answer.Status, answer.Text, answer.Offset), Is.EqualTo((400, "words", 17L)));
    }

    [Test]
    public async Task Answers_ThatAreNotFinal_AreTakenForWhatTheyAre()
    {
        var permissions = 0;
        var answer = await ReadAsync(
            "HTTP/1.1 104 Upload Resumption Supported\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            () => permissions++);

        Assert.That((answer.Status, permissions), Is.EqualTo((204, 1)));
    }

    [TestCase("")]
    [TestCase("HTTP/1.1 400 Bad")]
    [TestCase("HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\nwords")]
    [TestCase("HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")]
    [TestCase("220 mail.example ready\r\n")]
    public async Task Connection_ThatEndsEarlyOrIsNoHttp_IsBroken(string bytes) =>
        await Assert.ThatAsync(() => ReadAsync(bytes), Throws.InstanceOf<IOException>());

    [TestCase("text/html", "<html><title>413</title><body><h1>413 Too\nLarge</h1>Over &quot;quota&quot;.<br /></body>", "Over \"quota\".")]
    [TestCase("text/plain", "409 Conflict\n\nIt is\n\n  active.  \u001b[2J", "It is active. [2J")]
    [TestCase("", "words", "words")]
    public void Text_OfAnErrorPage_IsItsSentence(string type, string body, string text) =>
        Assert.That(AnswerText.Of(Encoding.UTF8.GetBytes(body), type), Is.EqualTo(text));

    private static async Task<IngestAnswer> ReadAsync(string bytes, Action? onContinue = null) =>
        await new AnswerReader(new MemoryStream(Encoding.Latin1.GetBytes(bytes)))
            .ReadAsync("PUT", onContinue ?? (() => { }), CancellationToken.None);
}
