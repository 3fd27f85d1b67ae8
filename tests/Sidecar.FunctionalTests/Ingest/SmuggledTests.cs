using NUnit.Framework;

namespace Sidecar.FunctionalTests.Ingest;

/// <summary>Requests that two servers may read in two ways: they end here, and with them their connection.</summary>
internal sealed class SmuggledTests : IngestTest
{
    private static readonly string[] Requests =
    [
        "POST /{0} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nbytes",
        "POST /{0} HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nbytes",
        "POST /{0} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /{0}x HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /{0} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "POST /{0} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
        "POST /{0} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /{0} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /{0} HTTP/1.1\r\nHost: x\r\nX-Folded: a\r\n b\r\n\r\n",
        "GET /{0} HTTP/1.1\r\n Host: x\r\n\r\n",
        "GET /{0} HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /{0} HTTP/1.1\r\n\r\n",
        "GET /{0} HTTP/1.1\r\nHost: x\r\nX-Null: a\0b\r\n\r\n",
        "GET http://other.example/{0} HTTP/1.1\r\nHost: other.example\r\n\r\n",
        "PUT http://x/v2/images/{0}/stage HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nbytes",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\nX-Marker: {0}\r\n\r\n",
        "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\nX-Marker: {0}\r\n\r\n",
        "GET /{0}\u0001 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /{0}\u00e9 HTTP/1.1\r\nHost: x\r\n\r\n",
        "PUT /v2/images/{0}/stage%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nbytes",
        "GET  /{0} HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];

    [TestCaseSource(nameof(Requests))]
    public async Task Request_ThatIsAmbiguous_IsRefused_AndNothingArrives(string pattern)
    {
        var marker = NewId();
        using var client = await ConnectAsync();
        await client.SendAsync(pattern.Replace("{0}", marker, StringComparison.Ordinal));

        var answer = await client.ReadToEndAsync();
        // Of HTTP/2 that begins in clear it says so in that language, or hangs up.
        if (!pattern.StartsWith("PRI", StringComparison.Ordinal)) Assert.That(answer, Does.StartWith("HTTP/1.1 4"));
        Assert.That(answer, Does.Not.Contain("200 OK"));
        Assert.That(Upstream.Others, Has.None.Contains(marker));
    }

    [TestCase("Z\r\nbytes\r\n0\r\n\r\n")]
    [TestCase("FFFFFFFFFFFFFFFFF\r\nbytes\r\n")]
    [TestCase("5\r\nbytesX\r\n0\r\n\r\n")]
    [TestCase("-5\r\nbytes\r\n0\r\n\r\n")]
    public async Task BrokenChunks_DoNotEndInAWholeBody(string body)
    {
        var id = NewId();
        using var client = await ConnectAsync();
        using var upstream = await PassAsync(
            client, id, $"POST /v2/images/{id} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{body}");

        string? arrived = null;
        try
        {
            arrived = await upstream.ReadToEndAsync();
        }
        catch (IOException)
        {
            // Reset.
        }

        Assert.That(arrived, Is.Null.Or.Not.Contains("0\r\n\r\n"));
        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain(" 4"));
    }

    [Test]
    public async Task WhatFollowsADeclaredLength_IsARequestOfItsOwn()
    {
        var (first, second) = (NewId(), NewId());
        using var client = await ConnectAsync();
        var next = Upstream.NextAsync(second);
        using var one = await PassAsync(
            client, first,
            $"POST /v2/images/{first} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nbytesGET /v2/images/{second} HTTP/1.1\r\nHost: x\r\n"
            + $"{Ticket}: smuggled\r\n\r\n");
        Assert.That(await one.ReadAsync(5), Is.EqualTo("bytes"));
        await AnswerAsync(one, "200 OK", "1");
        using var two = await next.WaitAsync(Deadline);

        Assert.That(two.Values(Ticket), Is.Empty);
        await AnswerAsync(two, "200 OK", "2");
        await client.ReadHeadAsync();
        Assert.That(await client.ReadBodyAsync(), Is.EqualTo("1"));
        await client.ReadHeadAsync();
        Assert.That(await client.ReadBodyAsync(), Is.EqualTo("2"));
    }
}
