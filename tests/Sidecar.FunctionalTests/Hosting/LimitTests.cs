using System.Net;
using System.Net.Sockets;
using Glance.Sidecar.V1;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Interop;

namespace Sidecar.FunctionalTests.Hosting;

/// <summary>More connections, unfinished frames and uploads than the daemon has memory or descriptors for.</summary>
internal sealed class LimitTests : SidecarTest
{
    // As a container's limit would; the daemon reads its memory limit from the same place.
    private static readonly string[] SmallHeap = ["env", "DOTNET_GCHeapHardLimit=6000000"]; // 96 MiB, in hex

    // SETTINGS_MAX_FRAME_SIZE, 2^24 - 1.
    private static readonly byte[] LargestFrames = [0, 5, 0, 0xFF, 0xFF, 0xFF];

    private static readonly string[] WithHealth = ["--Hosting:HealthAddress", "127.0.0.1:0"];

    [Test]
    public async Task HealthListener_WithUnfinishedFramesOfManyConnections_StillAnswers()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartUnderAsync(SmallHeap, directory.Path, WithHealth);
        var connections = new List<Socket>();
        try
        {
            for (var i = 0; i < 500; i++) connections.Add(await OpenAsync(Port(sidecar, fromEnd: 2), UnfinishedFrame));
            using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{Port(sidecar, fromEnd: 2)}");
            var answer = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest(), cancellationToken: Deadline);
            Assert.That(answer.Status, Is.EqualTo(HealthCheckResponse.Types.ServingStatus.Serving));
            await StageAsync(sidecar, NewId(), Content(1 << 20));
        }
        finally
        {
            foreach (var connection in connections) connection.Dispose();
        }
    }

    [Test]
    public async Task HealthListener_WithAnUnfinishedFrame_ClosesItsConnectionLongBeforeTheEnd()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, WithHealth);
        using var connection = await OpenAsync(Port(sidecar, fromEnd: 2), UnfinishedFrame);
        var (part, said) = (new byte[4096], new List<byte>());
        try
        {
            while (await connection.ReceiveAsync(part, Deadline) is var count and > 0) said.AddRange(part[..count]);
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            // As good an end.
        }

        // Kestrel itself closes such a connection too, but not before it has asked in vain whether anybody is there.
        Assert.That(said.ToArray().AsSpan().IndexOf(Ping), Is.Negative);
    }

    [Test]
    public async Task LocalListener_WithAllItsConnections_ClosesTheNextOne_AndThenHasRoomAgain()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, "--Hosting:MaxLocalConnections", "3");
        using var first = await OpenAsync(LocalPort(sidecar), Preface);
        using var second = await OpenAsync(LocalPort(sidecar), Preface);
        using var third = await OpenAsync(LocalPort(sidecar), Preface);
        foreach (var served in (Socket[])[first, second, third]) Assert.That(await AnsweredAsync(served), Is.True);
        using var fourth = await OpenAsync(LocalPort(sidecar), Preface);
        Assert.That(await AnsweredAsync(fourth), Is.False);
        Assert.That(await AnsweredAsync(first, again: true), Is.True, "those that were there stay");
        await sidecar.Staging.GetCapacityAsync(new GetCapacityRequest()); // by the socket, which has connections of its own
        foreach (var open in (Socket[])[first, second, third]) open.Dispose();
        await sidecar.LoggedAsync("\"EventId\":5005", Deadline);
        while (true)
        {
            using var later = await OpenAsync(LocalPort(sidecar), Preface);
            if (await AnsweredAsync(later)) break;
        }
    }

    [Test]
    public async Task Descriptors_ThatConnectionsWouldUseUp_AreKeptForFiles()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartUnderAsync(
            ["prlimit", "--nofile=512:512"], directory.Path, [.. WithHealth, "--Hosting:MaxHealthConnections", "1000"]);
        var connections = new List<Socket>();
        try
        {
            var id = NewId();
            // Over the connection that there is: a new one is what there is no room for.
            using var stage = new StageStream(sidecar.Staging, Deadline);
            await stage.HeaderAsync(id, 3);
            for (var i = 0; i < 600; i++) connections.Add(await OpenAsync(Port(sidecar, fromEnd: 2), Preface));
            await stage.ContentAsync(new byte[] { 1, 2, 3 });
            await stage.FinishAsync(3);
            Assert.That(await ReadAsync(sidecar, id), Is.EqualTo(new byte[] { 1, 2, 3 }));
            await sidecar.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id });
        }
        finally
        {
            foreach (var connection in connections) connection.Dispose();
        }
    }

    [Test]
    public async Task ReadImage_OfMoreThanTheMemoryIsFor_IsRefusedWithAReason_AndHarmsNoUpload()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartUnderAsync(SmallHeap, directory.Path);
        var id = NewId();
        await StageAsync(sidecar, id, Content(16 << 20));
        var reads = new List<AsyncServerStreamingCall<ReadImageResponse>>();
        try
        {
            for (var i = 0; i < 24; i++) reads.Add(await BegunAsync(sidecar, id));
            var refusal = await Assert.ThrowsAsync<RpcException>(() => BegunAsync(sidecar, id));
            var facts = AssertRefused(refusal!, StatusCode.ResourceExhausted, "OVERLOADED");
            Assert.That(Number(facts, "limit"), Is.EqualTo(24));
            Assert.That(Number(facts, "retry_after_seconds"), Is.Positive);
            await StageAsync(sidecar, NewId(), Content(16 << 20));
        }
        finally
        {
            foreach (var read in reads) read.Dispose();
        }
    }

    [Test]
    public async Task ReadImage_OfWhichNothingIsTaken_IsEnded_AndItsPlaceIsAnothers()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, "--Staging:IdleTimeout", "00:00:01", "--Rpc:MaxReads", "1");
        var (id, content) = (NewId(), Content(16 << 20));
        await StageAsync(sidecar, id, content);
        using var stalled = await BegunAsync(sidecar, id);
        while (true)
        {
            try
            {
                Assert.That(await ReadAsync(sidecar, id), Is.EqualTo(content));
                break;
            }
            catch (RpcException refusal) when (refusal.StatusCode == StatusCode.ResourceExhausted)
            {
                Deadline.ThrowIfCancellationRequested();
            }
        }

        await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await stalled.ResponseStream.MoveNext(Deadline)) { }
        });
    }

    // Kestrel keeps memory for the largest frame of headers that it may send, and clients made of gRPC's C core allow megabytes.
    [Test]
    public async Task Connections_WhoseClientsTakeTheLargestFrames_CostLittle()
    {
        const int count = 20;
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var before = await AllocatedAsync(sidecar);
        var connections = new List<RawConnection>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                connections.Add(await RawConnection.OpenAsync(sidecar.Socket, Deadline, LargestFrames));
                await connections[^1].ByNowAsync();
            }

            Assert.That((await AllocatedAsync(sidecar) - before) / count, Is.InRange(1, 512 << 10), "bytes of a connection");
        }
        finally
        {
            foreach (var connection in connections) await connection.DisposeAsync();
        }
    }

    [Test]
    public async Task Stage_OfMoreThanTheMemoryIsFor_IsRefusedWithAReason_AndSucceedsLater()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartUnderAsync(SmallHeap, directory.Path);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 400).Select(_ => Task.Run(() => HoldAsync(sidecar), Deadline)));
        var refused = outcomes.OfType<RpcException>().ToList();
        Assert.That(refused, Is.Not.Empty);
        foreach (var refusal in refused)
        {
            var facts = AssertRefused(refusal, StatusCode.ResourceExhausted, "OVERLOADED");
            Assert.That(Number(facts, "limit"), Is.EqualTo(24));
            Assert.That(Number(facts, "retry_after_seconds"), Is.Positive);
        }

        foreach (var held in outcomes.OfType<StageStream>())
        {
            await held.FinishAsync(1);
            held.Dispose();
        }

        Assert.That(outcomes.OfType<StageStream>().Count(), Is.EqualTo(24));
        await StageAsync(sidecar, NewId(), Content(1 << 20));
    }

    // Takes the first chunk, and then no more.
    private static async Task<AsyncServerStreamingCall<ReadImageResponse>> BegunAsync(SidecarInstance sidecar, string id)
    {
        var read = sidecar.Uploads.ReadImage(new ReadImageRequest { ImageId = id }, cancellationToken: Deadline);
        Assert.That(await read.ResponseStream.MoveNext(Deadline), Is.True);
        return read;
    }

    private static Task<double> AllocatedAsync(SidecarInstance sidecar) =>
        MetricsPage.ReadAsync(sidecar, "process_allocated_bytes_total", Deadline);

    // The call when it is admitted, else its refusal.
    private static async Task<object> HoldAsync(SidecarInstance sidecar)
    {
        var id = NewId();
        var stage = new StageStream(sidecar.Uploads, Deadline);
        try
        {
            await stage.HeaderAsync(id, 1);
            await stage.ChunkAsync(new byte[] { 1 });
            while (!stage.Result.IsCompleted)
            {
                Deadline.ThrowIfCancellationRequested();
                using var list = sidecar.Staging.ListUploads(new ListUploadsRequest(), cancellationToken: Deadline);
                await foreach (var upload in list.ResponseStream.ReadAllAsync(Deadline))
                    if (upload.ImageId == id && upload.ReceivedOffset == 1) return stage;
            }
        }
        catch (RpcException refusal) when (refusal.Trailers.Count > 0)
        {
            stage.Dispose();
            return refusal;
        }
        catch (RpcException)
        {
            // The write found the call ended before its status was here.
        }

        using (stage) return (await Assert.ThrowsAsync<RpcException>(() => stage.Result))!;
    }

    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];

    // DATA of 1 MiB on a stream, of which the last byte never comes; nobody looks at the stream before it is whole.
    private static readonly byte[] UnfinishedFrame = [.. Preface, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, .. new byte[(1 << 20) - 1]];

    private static ReadOnlySpan<byte> Ping => [0, 0, 8, 6, 0];

    private static int Port(SidecarInstance sidecar, int fromEnd) => new Uri(sidecar.Addresses[^fromEnd]).Port;

    private static int LocalPort(SidecarInstance sidecar) =>
        new Uri(sidecar.Addresses.First(address => address.StartsWith("http://127.0.0.1", StringComparison.Ordinal))).Port;

    private static async Task<Socket> OpenAsync(int port, byte[] bytes)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Deadline);
            await socket.SendAsync(bytes, Deadline);
        }
        catch (SocketException)
        {
            // It was closed for another one.
        }

        return socket;
    }

    // Whether the server sends anything: its settings, or with a ping the answer to that.
    private static async Task<bool> AnsweredAsync(Socket socket, bool again = false)
    {
        try
        {
            if (again) await socket.SendAsync(new byte[] { 0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 }, Deadline);
            return await socket.ReceiveAsync(new byte[1], Deadline) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
