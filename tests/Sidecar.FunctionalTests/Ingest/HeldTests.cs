using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Ingest;

/// <summary>Uploads: Glance is asked without the bytes, and they are read when it asks for them.</summary>
internal sealed class HeldTests : IngestTest
{
    private const int Size = 3 << 20;

    [Test]
    public async Task Upload_OfADeclaredLength_IsStaged_AndGlancesAnswerGoesBack()
    {
        var (id, bytes) = (NewId(), Content(Size));
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, id, StageHead(id, $"Content-Length: {Size}", "X-Auth-Token: secret", "X-Openstack-Image-Size: 3145728", $"{Ticket}: mine"));
        var sending = client.SendAsync(bytes);

        Assert.That(upstream.FirstLine, Is.EqualTo($"PUT {StagePath(id)} HTTP/1.1"));
        Assert.That(upstream.Values("Content-Length"), Is.EqualTo((string[])["0"]));
        Assert.That(upstream.Values("Content-Type"), Is.EqualTo((string[])["application/octet-stream"]));
        Assert.That(upstream.Values("X-Auth-Token"), Is.EqualTo((string[])["secret"]));
        Assert.That(upstream.Values("X-Openstack-Image-Size"), Is.EqualTo((string[])["3145728"]));
        Assert.That(upstream.Values(Ticket), Has.Length.EqualTo(1).And.One.Matches("^[0-9a-f]{64}$"));
        var staged = await ReceiveAsync(upstream.Values(Ticket)[0], id);
        await AnswerAsync(upstream, "204 No Content");

        await sending;
        Assert.That((await client.ReadHeadAsync()).FirstLine, Is.EqualTo("HTTP/1.1 204 No Content"));
        Assert.That(staged.Size, Is.EqualTo((ulong)Size));
        Assert.That(await ReadAsync(await IngestSuite.DaemonAsync(), id), SameBytes.As(bytes));
    }

    [Test]
    public async Task Connection_GoesOnAfterAnUpload()
    {
        using var client = await ConnectAsync();
        for (var round = 0; round < 2; round++)
        {
            var id = NewId();
            using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 5") + "bytes");
            await ReceiveAsync(upstream.Values(Ticket)[0], id);
            await AnswerAsync(upstream, "204 No Content");
            await client.ReadHeadAsync();
            Assert.That(client.Values("Connection"), Is.Empty);
        }
    }

    [Test]
    public async Task Upload_InChunks_IsStaged()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Transfer-Encoding: chunked", "Trailer: X-End", "TE: trailers"));
        var receiving = ReceiveAsync(upstream.Values(Ticket)[0], id);
        await client.SendAsync("5;a=b\r\nbytes\r\n");
        await ReceivedAsync(await IngestSuite.DaemonAsync(), id, 5);
        await client.SendAsync("3\r\nend\r\n0\r\nX-End: 1\r\n\r\n");

        Assert.That((await receiving).Size, Is.EqualTo(8));
        Assert.That(upstream.Values("Transfer-Encoding").Concat(upstream.Values("TE")).Concat(upstream.Values("Trailer")), Is.Empty);
        Assert.That(Text(await ReadAsync(await IngestSuite.DaemonAsync(), id)), Is.EqualTo("bytesend"));
        await AnswerAsync(upstream, "204 No Content");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("204"));
    }

    [Test]
    public async Task Client_ThatAsksBeforeItSends_IsToldWhenGlanceAsks()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 5", "Expect: 100-continue"));
        Assert.That(upstream.Values("Expect"), Is.Empty);
        var receiving = ReceiveAsync(upstream.Values(Ticket)[0], id);

        Assert.That((await client.ReadHeadAsync()).FirstLine, Is.EqualTo("HTTP/1.1 100 Continue"));
        await client.SendAsync("bytes");
        await receiving;
        await AnswerAsync(upstream, "204 No Content");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("204"));
    }

    [TestCase("401 Unauthorized")]
    [TestCase("403 Forbidden")]
    [TestCase("409 Conflict")]
    [TestCase("413 Request Entity Too Large")]
    public async Task Client_ThatGlanceRefuses_IsNotToldToSend(string status)
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 1000000000000", "Expect: 100-continue"));
        await AnswerAsync(upstream, status, "why");

        Assert.That((await client.ReadHeadAsync()).FirstLine, Is.EqualTo("HTTP/1.1 " + status));
        Assert.That(client.Values("Connection"), Is.EqualTo((string[])["close"]));
        Assert.That(await client.ReadBodyAsync(), Is.EqualTo("why"));
        await AssertUnknownAsync(upstream.Values(Ticket)[0], id);
    }

    [Test]
    public async Task Client_ThatSendsAllTheSame_ReadsTheRefusalAfterwards()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, $"Content-Length: {16 << 20}"));
        var sending = client.SendAsync(new byte[16 << 20]);
        await AnswerAsync(upstream, "403 Forbidden", "why");

        await sending;
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("403"));
        Assert.That(await client.ReadBodyAsync(), Is.EqualTo("why"));
        await client.HungUpAsync().WaitAsync(Deadline);
    }

    [Test]
    public async Task Ticket_IsGoodOnce_ForItsImage_AndWhileItsRequestLasts()
    {
        var (id, other) = (NewId(), NewId());
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 5") + "bytes");
        var ticket = upstream.Values(Ticket)[0];
        var sidecar = await IngestSuite.DaemonAsync();

        var found = await sidecar.Staging.CheckTicketAsync(new() { Ticket = ticket, ImageId = id });
        Assert.That(found.DeclaredSize, Is.EqualTo(5));
        await AssertUnknownAsync(ticket, other);
        await AssertUnknownAsync(ticket.ToUpperInvariant(), id);
        await AssertUnknownAsync("", id);
        await ReceiveAsync(ticket, id);
        await AssertUnknownAsync(ticket, id);
        await AnswerAsync(upstream, "204 No Content");
        await client.ReadHeadAsync();
        await AssertUnknownAsync(ticket, id);
    }

    [Test]
    public async Task Client_ThatHangsUpInMidBody_EndsTheCallAndGlancesRequest()
    {
        var id = NewId();
        var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 10") + "bytes");
        var receiving = ReceiveAsync(upstream.Values(Ticket)[0], id);
        var sidecar = await IngestSuite.DaemonAsync();
        await ReceivedAsync(sidecar, id, 5);

        client.Dispose();

        AssertRefused(await RefusalAsync(receiving), StatusCode.FailedPrecondition, "UNFINISHED");
        await upstream.HungUpAsync().WaitAsync(Deadline);
        await AssertNothingStagedAsync(sidecar, id);
    }

    [TestCase("Content-Length: 10", "bytes")]
    [TestCase("Transfer-Encoding: chunked", "5\r\nbytes\r\n")]
    public async Task Body_ThatEndsEarly_IsNotStaged(string framing, string body)
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, framing) + body);
        var receiving = ReceiveAsync(upstream.Values(Ticket)[0], id);
        await ReceivedAsync(await IngestSuite.DaemonAsync(), id, 5);
        client.FinishSending();

        var refusal = await RefusalAsync(receiving);

        AssertRefused(refusal, StatusCode.FailedPrecondition, "UNFINISHED");
        await AssertNothingStagedAsync(await IngestSuite.DaemonAsync(), id);
    }

    [Test]
    public async Task Body_WithABrokenChunk_IsNotStaged()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Transfer-Encoding: chunked") + "5\r\nbytes\r\nZ\r\n");

        var refusal = await RefusalAsync(ReceiveAsync(upstream.Values(Ticket)[0], id));

        AssertRefused(refusal, StatusCode.FailedPrecondition, "UNFINISHED");
        await AssertNothingStagedAsync(await IngestSuite.DaemonAsync(), id);
    }

    [Test]
    public async Task Content_ThatIsRefusedInMidBody_IsAnsweredWhileTheClientStillSends()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, $"Content-Length: {64 << 20}"));
        await client.SendAsync([.. "QFI\u00fb"u8[..3], 0xfb, .. Content(1 << 20)]);

        var refusal = await RefusalAsync(ReceiveAsync(upstream.Values(Ticket)[0], id, diskFormat: "raw"));
        await AnswerAsync(upstream, "400 Bad Request", "not raw");

        Assert.That(refusal.StatusCode, Is.EqualTo(StatusCode.FailedPrecondition), refusal.Status.Detail);
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("400"));
        Assert.That(await client.ReadBodyAsync(), Is.EqualTo("not raw"));
        await AssertNothingStagedAsync(await IngestSuite.DaemonAsync(), id);
    }

    [Test]
    public async Task MoreThanMayBeStaged_IsRefusedBeforeTheClientSends_WhereItSaysHowMuch()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 11", "Expect: 100-continue"));

        var refusal = await RefusalAsync(ReceiveAsync(upstream.Values(Ticket)[0], id, maxBytes: 10));
        await AnswerAsync(upstream, "413 Request Entity Too Large");

        Assert.That(AssertRefused(refusal, StatusCode.FailedPrecondition, "IMAGE_TOO_LARGE")["limit"], Is.EqualTo("10"));
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("413"));
    }

    [Test]
    public async Task MoreThanMayBeStaged_InChunks_IsRefusedWhenItComes()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, id, StageHead(id, "Transfer-Encoding: chunked") + "5\r\nbytes\r\n6\r\nbytes!\r\n0\r\n\r\n");

        var refusal = await RefusalAsync(ReceiveAsync(upstream.Values(Ticket)[0], id, maxBytes: 10));

        AssertRefused(refusal, StatusCode.FailedPrecondition, "IMAGE_TOO_LARGE");
        await AssertNothingStagedAsync(await IngestSuite.DaemonAsync(), id);
    }

    [Test]
    public async Task Glance_ThatDiesInMidBody_EndsTheUploadWithAnError()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 10") + "bytes");
        var receiving = ReceiveAsync(upstream.Values(Ticket)[0], id);
        var sidecar = await IngestSuite.DaemonAsync();
        await ReceivedAsync(sidecar, id, 5);

        upstream.Dispose();

        AssertRefused(await RefusalAsync(receiving), StatusCode.FailedPrecondition, "UNFINISHED");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("503"));
        Assert.That(client.Values("Retry-After"), Has.Length.EqualTo(1));
        await AssertNothingStagedAsync(sidecar, id);
    }

    [Test]
    public async Task Caller_ThatGivesUp_LeavesTheRequestToGlance()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 10") + "bytes");
        using var giveUp = new CancellationTokenSource();
        var receiving = ReceiveAsync(upstream.Values(Ticket)[0], id, cancellationToken: giveUp.Token);
        var sidecar = await IngestSuite.DaemonAsync();
        await ReceivedAsync(sidecar, id, 5);

        await giveUp.CancelAsync();

        Assert.That((await RefusalAsync(receiving)).StatusCode, Is.EqualTo(StatusCode.Cancelled));
        await AnswerAsync(upstream, "500 Internal Server Error", "sorry");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("500"));
        await AssertNothingStagedAsync(sidecar, id);
    }

    private static async Task AssertUnknownAsync(string ticket, string id) =>
        AssertRefused(await RefusalAsync(ReceiveAsync(ticket, id)), StatusCode.NotFound, "TICKET_UNKNOWN");

    private static async Task AssertNothingStagedAsync(SidecarInstance sidecar, string id)
    {
        try
        {
            await sidecar.Staging.GetImageAsync(new() { ImageId = id }, cancellationToken: Deadline);
            Assert.Fail("It is staged.");
        }
        catch (RpcException none)
        {
            AssertRefused(none, StatusCode.NotFound, "IMAGE_NOT_FOUND");
        }
    }
}
