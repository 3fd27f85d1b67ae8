using System.Net;
using System.Net.Sockets;
using System.Text;
using Glance.Sidecar.V1;
using Google.Rpc;
using Grpc.Core;

namespace Stagectl.Tests.Harness.Ingest;

/// <summary>
/// In the place of glance-api behind the ingest, with one image: knows its state as Glance does, asks the daemon for the bytes of an
/// upload as the package's staging store does, and tells its refusals as the package does. What it cannot show is on the real Glance.
/// </summary>
internal sealed class FakeGlance : IAsyncDisposable
{
    public const string Token = "gAAAAABmember";

    private const string TicketHeader = "X-Staging-Sidecar-Ticket";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<string> _scripted = new();
    private readonly List<Task> _requests = [];
    private readonly Task _accepting;
    private Task _staging = Task.CompletedTask;

    public FakeGlance()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Upstream => $"http://{_listener.LocalEndpoint}";

    public string ImageId { get; } = Guid.NewGuid().ToString("D");

    /// <summary>The daemon that is asked for bytes; set once it runs.</summary>
    public Staging.StagingClient? Daemon { get; set; }

    public string DiskFormat { get; set; } = "";

    /// <summary>What is left of a broken upload is removed, as by a glance-api that took over from one that died.</summary>
    public bool KeepsNothing { get; set; }

    public string Status { get; private set; } = "queued";

    public ulong? Size { get; private set; }

    /// <summary>First lines of what was asked, in order.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>Answers that upload requests get instead of the true ones: a status and its words, and headers.</summary>
    public void Script(params string[] answers)
    {
        foreach (var answer in answers) _scripted.Enqueue(answer);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_requests);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _requests.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient connection)
    {
        using (connection)
        {
            try
            {
                using var reader = new StreamReader(connection.GetStream(), Encoding.Latin1, leaveOpen: true);
                var first = await reader.ReadLineAsync(_stop.Token) ?? "";
                var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } line)
                {
                    var parts = line.Split(": ", 2);
                    headers[parts[0]] = parts[1];
                }

                lock (Requests) Requests.Add(first);
                var (status, more, text) = await AnswerAsync(first, headers);
                var answer = $"HTTP/1.1 {status}\r\n{more}Content-Length: {text.Length}\r\nConnection: close\r\n\r\n{text}";
                await connection.GetStream().WriteAsync(Encoding.Latin1.GetBytes(answer), _stop.Token);
            }
            catch (Exception gone) when (gone is IOException or OperationCanceledException)
            {
                // The daemon, or the test is over.
            }
        }
    }

    private async Task<(string Status, string Headers, string Text)> AnswerAsync(string request, Dictionary<string, string> headers)
    {
        if (headers.GetValueOrDefault("X-Auth-Token") != Token) return ("401 Unauthorized", "", "Authentication required");
        if (!request.Contains($"/v2/images/{ImageId}", StringComparison.Ordinal)) return ("404 Not Found", "", "No image found");
        if (request.StartsWith("GET ", StringComparison.Ordinal))
        {
            if (KeepsNothing) await _staging;
            return ("200 OK", "", $$"""{"id": "{{ImageId}}", "status": "{{Status}}", "size": {{Size?.ToString() ?? "null"}}}""");
        }

        if (_scripted.TryDequeue(out var scripted))
        {
            var lines = scripted.Split('\n');
            var more = string.Concat(lines[1..].Select(line => line + "\r\n"));
            return (lines[0], more + "Content-Type: text/html\r\n", $"<html><h1>{lines[0]}</h1>because &amp; so</html>");
        }

        var staging = StageAsync(headers[TicketHeader]);
        _staging = staging;
        return await staging;
    }

    private async Task<(string Status, string Headers, string Text)> StageAsync(string ticket)
    {
        if (await IsReceivingAsync()) return ("409 Conflict", "", "409 Conflict\n\nIt is being uploaded by another request.");
        (Status, Size) = ("uploading", null);
        try
        {
            var request = new ReceiveUploadRequest { Ticket = ticket, Header = new() { ImageId = ImageId, DiskFormat = DiskFormat } };
            Size = (await Daemon!.ReceiveUploadAsync(request, cancellationToken: _stop.Token)).Size;
            return ("204 No Content", "", "");
        }
        catch (RpcException refusal)
        {
            Status = "queued";
            if (KeepsNothing) await Daemon!.AbortUploadAsync(new() { ImageId = ImageId });
            var info = refusal.GetRpcStatus()?.GetDetail<ErrorInfo>();
            var text = $"400 Bad Request\n\nThe image was not staged: {refusal.Status.Detail}";
            return info?.Reason switch
            {
                null => ("503 Service Unavailable", "Retry-After: 1\r\n", "The sidecar does not answer."),
                "OFFSET_MISMATCH" => ("409 Conflict", $"Upload-Offset: {info.Metadata["offset"]}\r\n", refusal.Status.Detail),
                "UPLOAD_NOT_FOUND" => ("409 Conflict", "", refusal.Status.Detail),
                _ => ("400 Bad Request", "Content-Type: text/plain\r\n", text),
            };
        }
    }

    private async Task<bool> IsReceivingAsync()
    {
        using var call = Daemon!.ListUploads(new ListUploadsRequest());
        return await call.ResponseStream.ReadAllAsync().AnyAsync(
            upload => upload.ImageId == ImageId && upload.State == Upload.Types.State.Receiving);
    }
}
