using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Ingest;

/// <summary>The ingest with settings of its own: TLS and HTTP/2, a Unix socket, short patience, nobody behind it.</summary>
internal sealed class IngestSettingsTests : IngestTest
{
    [Test]
    public async Task Tls_WithHttp2_StagesAndPasses()
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Issue("localhost");
        using var directory = TestDirectory.Create();
        await File.WriteAllTextAsync(directory["crt"], authority.ChainPem(certificate), Deadline);
        await File.WriteAllTextAsync(directory["key"], TestAuthority.KeyPem(certificate), Deadline);
        await using var sidecar = await IngestSuite.StartAsync(
            directory, Upstream, "--Ingest:Address", "*:0", "--Ingest:CertificateFile", directory["crt"], "--Ingest:KeyFile", directory["key"]);
        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.GetCertHashString() == certificate.GetCertHashString() },
        })
        {
            DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            BaseAddress = new UriBuilder("https", "localhost", AddressOf(sidecar).Port).Uri,
        };
        var (id, bytes) = (NewId(), Content(1 << 20));
        using var content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };

        var arriving = Upstream.NextAsync(id);
        var answer = http.PutAsync(StagePath(id), content, Deadline);
        using var upstream = await arriving.WaitAsync(Deadline);
        Assert.That(upstream.FirstLine, Does.EndWith("HTTP/1.1"));
        Assert.That(upstream.Values("X-Forwarded-Proto"), Is.EqualTo((string[])["https"]));
        await sidecar.Staging.ReceiveUploadAsync(new() { Ticket = upstream.Values(Ticket)[0], Header = new() { ImageId = id } });
        await AnswerAsync(upstream, "204 No Content");

        Assert.That((await answer).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(bytes));
        Assert.That(await http.GetStringAsync("/v2/images", Deadline), Is.EqualTo("ok"));
    }

    [Test]
    public async Task UnixSocket_IsForTheGroup_AndPasses()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await IngestSuite.StartAsync(directory, Upstream, "--Ingest:Address", directory["in.sock"]);
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new System.Net.Sockets.Socket(
                    System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
                await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(directory["in.sock"]), cancellationToken);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
        });

        Assert.That(await http.GetStringAsync("http://images.example/v2/images", Deadline), Is.EqualTo("ok"));
        Assert.That(File.GetUnixFileMode(directory["in.sock"]) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite), Is.EqualTo((UnixFileMode)0));
        Assert.That(File.GetUnixFileMode(directory["in.sock"]).HasFlag(UnixFileMode.GroupWrite), Is.True);
    }

    [Test]
    public async Task Upstream_ThatIsAway_Is503_UntilItIsBack()
    {
        using var directory = TestDirectory.Create();
        var socket = directory["up.sock"];
        await using var sidecar = await IngestSuite.StartAsync(directory, Upstream, "--Ingest:Upstream", socket);
        using var http = new HttpClient { BaseAddress = AddressOf(sidecar) };

        using var answer = await http.GetAsync("/v2/images", Deadline);
        using var upload = await http.PutAsync(StagePath(NewId()), new ByteArrayContent(new byte[1 << 20]), Deadline);

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.Not.Null);
        Assert.That(await answer.Content.ReadAsStringAsync(Deadline), Does.Contain("glance-api"));
        Assert.That(upload.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        await sidecar.LoggedAsync("does not answer", Deadline);
    }

    [Test]
    public async Task Client_ThatGoesSilent_EndsItsUpload()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await IngestSuite.StartAsync(directory, Upstream, "--Staging:IdleTimeout", "00:00:01");
        var id = NewId();
        using var client = await RawExchange.OpenAsync(AddressOf(sidecar), Deadline);
        using var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 10") + "bytes");

        var call = sidecar.Staging.ReceiveUploadAsync(new() { Ticket = upstream.Values(Ticket)[0], Header = new() { ImageId = id } });
        AssertRefused(await RefusalAsync(call.ResponseAsync), StatusCode.DeadlineExceeded, "IDLE_TIMEOUT");
        await AnswerAsync(upstream, "408 Request Timeout");

        Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("408"));
    }

    [Test]
    public async Task Glance_ThatIsSilent_Is504()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await IngestSuite.StartAsync(directory, Upstream, "--Ingest:SilenceTimeout", "00:00:01");
        foreach (var isUpload in (bool[])[false, true])
        {
            var id = NewId();
            using var client = await RawExchange.OpenAsync(AddressOf(sidecar), Deadline);
            using var upstream = await PassAsync(
                client, id, isUpload ? StageHead(id, "Content-Length: 5") + "bytes" : $"GET /v2/images/{id} HTTP/1.1\r\nHost: x\r\n\r\n");

            Assert.That((await client.ReadHeadAsync()).FirstLine, Does.Contain("504"));
        }
    }

    [Test]
    public async Task Metrics_CountOutcomes()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await IngestSuite.StartAsync(directory, Upstream);
        var id = NewId();
        using var client = await RawExchange.OpenAsync(AddressOf(sidecar), Deadline);
        using (var upstream = await PassAsync(client, id, StageHead(id, "Content-Length: 5") + "bytes"))
        {
            await sidecar.Staging.ReceiveUploadAsync(new() { Ticket = upstream.Values(Ticket)[0], Header = new() { ImageId = id } });
            await AnswerAsync(upstream, "204 No Content");
            await client.ReadHeadAsync();
        }

        // The answer to this one comes after the upload was counted.
        await client.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await client.ReadHeadAsync();
        Assert.That(await MetricsPage.ReadAsync(sidecar, "glance_staging_ingest_requests_total{outcome=\"staged\"}", Deadline), Is.EqualTo(1));
        Assert.That(await MetricsPage.ReadAsync(sidecar, "glance_staging_ingest_received_bytes_total", Deadline), Is.EqualTo(5));
    }
}
