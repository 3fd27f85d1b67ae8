using Grpc.Core;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Ingest;

/// <summary>Uploads that were cut off, and go on where they were.</summary>
internal sealed class ResumedTests : IngestTest
{
    [Test]
    public async Task Upload_ThatWasCutOff_GoesOnWhereItWas()
    {
        var id = NewId();
        await CutOffAsync(id);
        using var client = await ConnectAsync();
        using (var question = await PassAsync(client, id, $"HEAD {StagePath(id)} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: secret\r\n\r\n"))
        {
            Assert.That(question.FirstLine, Is.EqualTo($"GET /v2/images/{id} HTTP/1.1"));
            Assert.That(question.Values("X-Auth-Token"), Is.EqualTo((string[])["secret"]));
            await AnswerAsync(question, "200 OK", "{}");
        }

        await client.ReadHeadAsync();
        Assert.That(client.FirstLine, Does.Contain("204"));
        Assert.That(client.Values("Upload-Offset"), Is.EqualTo((string[])["5"]));
        Assert.That(client.Values("Upload-Complete"), Is.EqualTo((string[])["?0"]));
        Assert.That(client.Values("Cache-Control"), Is.EqualTo((string[])["no-store"]));

        using var upstream = await PassAsync(
            client, id, StageHead(id, "Content-Length: 5", "Upload-Offset: 5", "Upload-Complete: ?1") + "after");
        var sidecar = await IngestSuite.DaemonAsync();
        var ticket = await sidecar.Staging.CheckTicketAsync(new() { Ticket = upstream.Values(Ticket)[0], ImageId = id });
        Assert.That((ticket.DeclaredSize, ticket.ResumeOffset, ticket.Kept), Is.EqualTo((10, 5, true)));
        Assert.That((await ReceiveAsync(upstream.Values(Ticket)[0], id)).Size, Is.EqualTo(10));
        await AnswerAsync(upstream, "204 No Content");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("204"));
        Assert.That(Text(await ReadAsync(sidecar, id)), Is.EqualTo("bytesafter"));
    }

    [Test]
    public async Task Upload_ThatWasCutOffAfterItsLastByte_GoesOnWithNone()
    {
        var id = NewId();
        await CutOffAsync(id, "Transfer-Encoding: chunked", "5\r\nbytes\r\n");
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 0", "Upload-Offset: 5", "Upload-Complete: ?1"));

        Assert.That((await ReceiveAsync(upstream.Values(Ticket)[0], id)).Size, Is.EqualTo(5));
        await AnswerAsync(upstream, "204 No Content");

        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("204"));
        Assert.That(client.Values("Connection"), Is.Empty);
        Assert.That(Text(await ReadAsync(await IngestSuite.DaemonAsync(), id)), Is.EqualTo("bytes"));
    }

    [TestCase("401 Unauthorized")]
    [TestCase("404 Not Found")]
    public async Task Upload_OfAnImageThatGlanceDoesNotShow_IsNotToldOf(string status)
    {
        var id = NewId();
        await CutOffAsync(id);
        using var client = await ConnectAsync();
        using var question = await PassAsync(client, id, $"HEAD {StagePath(id)} HTTP/1.1\r\nHost: x\r\n\r\n");
        await AnswerAsync(question, status, "no");

        Assert.That((await client.ReadHeadAsync()).FirstLine, Is.EqualTo("HTTP/1.1 " + status));
        Assert.That(client.Values("Upload-Offset"), Is.Empty);
    }

    [Test]
    public async Task Upload_ThatNeverWas_IsNotFound()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var question = await PassAsync(client, id, $"HEAD {StagePath(id)} HTTP/1.1\r\nHost: x\r\n\r\n");
        await AnswerAsync(question, "200 OK", "{}");

        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("404"));
        Assert.That(client.Values("Upload-Offset"), Is.Empty);
    }

    [Test]
    public async Task Offset_OfSomewhereElse_IsRefusedWithTheTrueOne()
    {
        var id = NewId();
        await CutOffAsync(id);
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 5", "Upload-Offset: 4") + "after");

        var refusal = await RefusalAsync(ReceiveAsync(upstream.Values(Ticket)[0], id));

        Assert.That(AssertRefused(refusal, StatusCode.OutOfRange, "OFFSET_MISMATCH")["offset"], Is.EqualTo("5"));
    }

    [TestCase("Upload-Complete: ?0")]
    [TestCase("Upload-Complete: yes")]
    [TestCase("Upload-Offset: -1")]
    [TestCase("Upload-Offset: 5, 5")]
    [TestCase("Upload-Offset: 99999999999999999999")]
    public async Task Headers_ThatMakeNoSense_AreRefused(string header)
    {
        var id = NewId();
        using var client = await ConnectAsync();
        await client.SendAsync(StageHead(id, "Content-Length: 5", header) + "bytes");

        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("400"));
        Assert.That(await client.ReadBodyAsync(), Does.Contain(header[..header.IndexOf(':', StringComparison.Ordinal)]));
        Assert.That(Upstream.Others, Has.None.Contains(id));
    }

    // Leaves an upload of five bytes, of ten where nothing else is said.
    private static async Task CutOffAsync(string id, string framing = "Content-Length: 10", string body = "bytes")
    {
        var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, framing, "Upload-Complete: ?1") + body);
        var receiving = ReceiveAsync(upstream.Values(Ticket)[0], id);
        await ReceivedAsync(await IngestSuite.DaemonAsync(), id, 5);
        client.Dispose();
        AssertRefused(await RefusalAsync(receiving), StatusCode.FailedPrecondition, "UNFINISHED");
    }
}
