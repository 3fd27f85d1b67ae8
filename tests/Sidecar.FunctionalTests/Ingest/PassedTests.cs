using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Ingest;

/// <summary>What is no upload goes to Glance as it came, and its answer back as it was given.</summary>
internal sealed class PassedTests : IngestTest
{
    [TestCase("/v2/images/{0}%2Fstage")]
    [TestCase("/v2/images/x/../{0}/stage")]
    [TestCase("/v2/images/./{0}/stage")]
    [TestCase("/v2//images/{0}/stage")]
    [TestCase("//v2/images/{0}/stage")]
    [TestCase("/v2/images/{0}/stage/")]
    [TestCase("/v2/images/{0}/stage?a=%41&b=//")]
    [TestCase("/v2/images/{0}/%73tage")]
    [TestCase("/v2/images/{0}/stage;x")]
    [TestCase("/v2.1/images/{0}/stage")]
    [TestCase("/v2/images/{0}/STAGE")]
    [TestCase("/image/v2/images/{0}/stage")]
    [TestCase("/v2/images/{0}/stage#x")]
    public async Task Target_ThatMayBeReadInAnotherWay_ArrivesAsItIs_WithItsBody(string pattern)
    {
        var id = NewId();
        var target = string.Format(System.Globalization.CultureInfo.InvariantCulture, pattern, id);
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, id, $"PUT {target} HTTP/1.1\r\nHost: images.example\r\nContent-Type: application/octet-stream\r\nContent-Length: 5\r\n\r\nbytes");

        Assert.That(upstream.FirstLine, Is.EqualTo($"PUT {target} HTTP/1.1"));
        Assert.That(upstream.Values(Ticket), Is.Empty);
        Assert.That(await upstream.ReadAsync(5), Is.EqualTo("bytes"));
        await AnswerAsync(upstream, "404 Not Found", "no");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Is.EqualTo("HTTP/1.1 404 Not Found"));
    }

    [TestCase("00000000-0000-4000-8000-00000000000A", "PUT")]
    [TestCase("7f4a2a9e5a0c4d0f9d3b0f6a1c2b3d4e", "PUT")]
    [TestCase("7f4a2a9e-5a0c-4d0f-9d3b-0f6a1c2b3d4e", "POST")]
    [TestCase("7f4a2a9e-5a0c-4d0f-9d3b-0f6a1c2b3d4e", "put")]
    public async Task OtherRequests_OfTheStagePath_AreNoUploads(string id, string method)
    {
        var marker = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, marker, $"{method} {StagePath(id)} HTTP/1.1\r\nHost: x\r\nX-Marker: {marker}\r\nContent-Length: 5\r\n\r\nbytes");

        Assert.That(upstream.Values(Ticket), Is.Empty);
        Assert.That(await upstream.ReadAsync(5), Is.EqualTo("bytes"));
        await AnswerAsync(upstream, "204 No Content");
        await client.ReadHeadAsync();
    }

    [Test]
    public async Task Upload_WithoutABody_IsPassedOn()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 0"));

        Assert.That(upstream.Values(Ticket), Is.Empty);
        Assert.That(upstream.Values("Content-Length"), Is.EqualTo((string[])["0"]));
    }

    [Test]
    public async Task Headers_ArriveAsSent_ExceptThoseOfTheConnectionAndTickets()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, id,
            $"GET /v2/images/{id} HTTP/1.1\r\nHost: images.example:9292\r\nX-Auth-Token: secret\r\nX-Odd: caf\u00c3\u00a9\r\nTraceparent: 00-a-b-01\r\n"
            + "Connection: keep-alive, X-Auth-Token\r\nUpgrade: h2c\r\nKeep-Alive: 5\r\n"
            + $"{Ticket}: a\r\n{Ticket.ToUpperInvariant()}: b\r\nX_Staging_Sidecar_Ticket: c\r\nX-Staging_sidecar-Ticket: d\r\n"
            + "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=192.0.2.1;proto=https\r\n\r\n");

        Assert.That(upstream.Values("Host"), Is.EqualTo((string[])["images.example:9292"]));
        Assert.That(upstream.Values("X-Auth-Token"), Is.EqualTo((string[])["secret"]));
        Assert.That(upstream.Values("X-Odd"), Is.EqualTo((string[])["caf\u00c3\u00a9"]));
        Assert.That(upstream.Values("Traceparent"), Is.EqualTo((string[])["00-a-b-01"]));
        Assert.That(upstream.Head, Does.Not.Contain("icket").IgnoreCase.And.Not.Contain("Upgrade").And.Not.Contain("Keep-Alive"));
        Assert.That(upstream.Values("Connection"), Is.EqualTo((string[])["close"]));
        Assert.That(upstream.Values("X-Forwarded-For"), Is.EqualTo((string[])["192.0.2.1, 127.0.0.1"]));
        Assert.That(upstream.Values("X-Forwarded-Proto"), Is.EqualTo((string[])["https"]));
        Assert.That(upstream.Values("Forwarded"), Is.EqualTo((string[])["for=192.0.2.1;proto=https, for=127.0.0.1;proto=http"]));
        await AnswerAsync(upstream, "200 OK");
        await client.ReadHeadAsync();
    }

    [Test]
    public async Task Answer_ComesBackAsGiven_AndTheConnectionGoesOn()
    {
        using var client = await ConnectAsync();
        for (var round = 0; round < 2; round++)
        {
            var id = NewId();
            using var upstream = await PassAsync(client, id, $"GET /v2/images/{id} HTTP/1.1\r\nHost: x\r\n\r\n");
            await upstream.SendAsync(
                "HTTP/1.1 300 Multiple Choices\r\nX-Openstack-Request-Id: req-1\r\nX-Odd: caf\u00e9\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                + "Transfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nX-End: yes\r\n\r\n");

            await client.ReadHeadAsync();
            Assert.That(client.FirstLine, Is.EqualTo("HTTP/1.1 300 Multiple Choices"));
            Assert.That(client.Values("X-Openstack-Request-Id"), Is.EqualTo((string[])["req-1"]));
            Assert.That(client.Values("X-Odd"), Is.EqualTo((string[])["caf\u00e9"]));
            Assert.That(client.Values("Set-Cookie"), Is.EqualTo((string[])["a=1", "b=2"]));
            var body = "";
            while (!body.EndsWith("\r\n\r\n", StringComparison.Ordinal)) body += await client.ReadAsync(1);
            Assert.That(body, Does.Contain("one").And.Contain("two").And.EndWith("0\r\n\r\n"));
        }
    }

    [Test]
    public async Task ChunkedBody_ArrivesInChunks()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, id, $"POST /v2/images/{id}/import HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nbytes\r\n0\r\n\r\n");

        Assert.That(upstream.Values("Transfer-Encoding"), Is.EqualTo((string[])["chunked"]));
        Assert.That(upstream.Values("Content-Length"), Is.Empty);
        Assert.That(await upstream.ReadAsync(15), Is.EqualTo("5\r\nbytes\r\n0\r\n\r\n"));
        await AnswerAsync(upstream, "202 Accepted");
        await client.ReadHeadAsync();
    }

    [Test]
    public async Task Body_LargerThanServersAllow_Passes()
    {
        const int Size = 40 << 20;
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, id, $"PUT /v2/images/{id}/file HTTP/1.1\r\nHost: x\r\nContent-Length: {Size}\r\n\r\n");
        var sending = client.SendAsync(new byte[Size]);

        for (var left = Size; left > 0; left -= 1 << 20) Assert.That(await upstream.ReadAsync(1 << 20), Has.Length.EqualTo(1 << 20));
        await sending;
        await AnswerAsync(upstream, "204 No Content");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("204"));
    }

    [Test]
    public async Task Permission_ToSend_IsTheUpstreamsToGive()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, id, $"PUT /v2/images/{id}/file HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");

        await upstream.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("100"));
        await client.SendAsync("bytes");
        Assert.That(await upstream.ReadAsync(5), Is.EqualTo("bytes"));
        await AnswerAsync(upstream, "204 No Content");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("204"));
    }

    [Test]
    public async Task Permission_ThatTheUpstreamRefuses_IsNotGiven()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, id, $"PUT /v2/images/{id}/file HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n");

        await AnswerAsync(upstream, "413 Request Entity Too Large", "no");
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("413"));
        Assert.That(await client.ReadBodyAsync(), Is.EqualTo("no"));
    }

    [Test]
    public async Task ClientThatHangsUp_TakesTheUpstreamsConnectionAlong()
    {
        var id = NewId();
        var client = await ConnectAsync();
        using var upstream = await PassAsync(client, id, $"GET /v2/images/{id} HTTP/1.1\r\nHost: x\r\n\r\n");

        client.Dispose();

        await upstream.HungUpAsync().WaitAsync(Deadline);
    }

    [Test]
    public async Task Answer_ThatBreaksOff_DoesNotLookWhole()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using (var upstream = await PassAsync(client, id, $"GET /v2/images/{id}/file HTTP/1.1\r\nHost: x\r\n\r\n"))
        {
            await upstream.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n");
            await client.ReadHeadAsync();
            Assert.That(await client.ReadAsync(8), Does.Contain("bytes"));
        }

        string? rest = null;
        try
        {
            rest = await client.ReadToEndAsync();
        }
        catch (IOException)
        {
            // Reset.
        }

        Assert.That(rest, Is.Null.Or.Not.Contains("0\r\n\r\n"));
    }

    [Test]
    public async Task Upstream_ThatClosesWithoutAWord_Is503WithATimeToComeAgain()
    {
        var id = NewId();
        using var client = await ConnectAsync();
        (await PassAsync(client, id, $"GET /v2/images/{id} HTTP/1.1\r\nHost: x\r\n\r\n")).Dispose();

        await client.ReadHeadAsync();
        Assert.That(client.FirstLine, Does.Contain("503"));
        Assert.That(client.Values("Retry-After"), Has.Length.EqualTo(1));
        Assert.That(await client.ReadBodyAsync(), Does.Contain("glance-api"));
    }

    [TestCase("/glance.sidecar.v1.Staging/GetCapacity")]
    [TestCase("/metrics")]
    [TestCase("/status.json")]
    public async Task SidecarsOwn_IsNotServedHere(string path)
    {
        var marker = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(client, marker, $"POST {path} HTTP/1.1\r\nHost: x\r\nX-Marker: {marker}\r\nContent-Length: 0\r\n\r\n");

        await AnswerAsync(upstream, "404 Not Found", "Glance says so");
        await client.ReadHeadAsync();
        Assert.That(await client.ReadBodyAsync(), Is.EqualTo("Glance says so"));
    }

    [Test]
    public async Task OtherListeners_PassNothingOn()
    {
        var id = NewId();
        var sidecar = await IngestSuite.DaemonAsync();
        using var client = await RawExchange.OpenAsync(sidecar.Ops, Deadline);
        await client.SendAsync(StageHead(id, "Content-Length: 5") + "bytes");

        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("404"));
        Assert.That(Upstream.Others, Has.None.Contains(id));
    }
}
