using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Ingest;

/// <summary>A client, the daemon's ingest, and a test in the place of Glance.</summary>
internal abstract class IngestTest : SidecarTest
{
    protected const string Ticket = "X-Staging-Sidecar-Ticket";

    protected static RawUpstream Upstream => IngestSuite.Upstream;

    // Listeners are logged in the order in which they are set up: this one is just before that of operators.
    protected static Uri AddressOf(SidecarInstance sidecar) => new(sidecar.Addresses[^2]);

    protected static async Task<RawExchange> ConnectAsync() =>
        await RawExchange.OpenAsync(AddressOf(await IngestSuite.DaemonAsync()), Deadline);

    protected static string StagePath(string id) => $"/v2/images/{id}/stage";

    /// <summary>The head of an upload, with these headers beside.</summary>
    protected static string StageHead(string id, params string[] headers) =>
        $"PUT {StagePath(id)} HTTP/1.1\r\nHost: images.example\r\nContent-Type: application/octet-stream\r\n"
        + string.Concat(headers.Select(header => header + "\r\n")) + "\r\n";

    /// <summary>Sends a request, and takes what the upstream gets of it.</summary>
    protected static async Task<RawExchange> PassAsync(RawExchange client, string marker, string request)
    {
        var arriving = Upstream.NextAsync(marker);
        await client.SendAsync(request);
        return await arriving.WaitAsync(Deadline);
    }

    /// <summary>As the staging store asks for the bytes.</summary>
    protected static async Task<StagedImage> ReceiveAsync(
        string ticket, string id, ulong maxBytes = 0, string diskFormat = "", CancellationToken cancellationToken = default)
    {
        var sidecar = await IngestSuite.DaemonAsync();
        var header = new StageHeader { ImageId = id, DiskFormat = diskFormat };
        var request = new ReceiveUploadRequest { Ticket = ticket, Header = header, MaxBytes = maxBytes };
        using var either = CancellationTokenSource.CreateLinkedTokenSource(Deadline, cancellationToken);
        return await sidecar.Staging.ReceiveUploadAsync(request, cancellationToken: either.Token);
    }

    protected static async Task<RpcException> RefusalAsync(Task<StagedImage> call)
    {
        try
        {
            await call;
        }
        catch (RpcException refusal)
        {
            return refusal;
        }

        throw new AssertionException("The call succeeded.");
    }

    protected static Task AnswerAsync(RawExchange upstream, string status, string body = "") =>
        upstream.SendAsync($"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}");

    protected static string Text(byte[] bytes) => System.Text.Encoding.Latin1.GetString(bytes);
}
