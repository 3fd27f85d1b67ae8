using System.Diagnostics;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Interop;

namespace Sidecar.FunctionalTests.Calls;

/// <summary>A client that goes on sending to a call that was answered: the other calls of its connection do not suffer.</summary>
internal sealed class RefusedCallTests : SidecarTest
{
    private const int Refused = 1;
    private const string Stage = "/glance.sidecar.v1.Staging/Stage";
    private const string Check = "/grpc.health.v1.Health/Check";

    // Kestrel of itself bears it for five seconds, the daemon for half a minute.
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(7);
    private static readonly TimeSpan TooMuch = TimeSpan.FromSeconds(20);

    // Seven seconds after its answer the next one of a crowd has its place.
    private static readonly TimeSpan SoonForgotten = TimeSpan.FromSeconds(5);

    [TestCase(Stage)]
    [TestCase("/glance.sidecar.v1.Staging/Nothing")]
    [TestCase("/nobody.Knows/It")]
    public async Task Refusal_OfAClientThatGoesOn_KeepsItsConnection(string path)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        await using var client = await RawConnection.OpenAsync(sidecar.Socket, Deadline);
        var since = Stopwatch.StartNew();
        await RefuseAsync(client, Refused, path);
        while (since.Elapsed < Enough)
        {
            await client.SendAsync(RawConnection.Data, 0, Refused, [1]);
            if (since.Elapsed > TooMuch) Assert.Ignore("This machine is too busy to tell.");
            await client.ByNowAsync();
        }

        await AskAsync(client, Refused + 2);
    }

    [Test]
    public async Task Refusals_ByTheHundred_KeepTheConnection()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        await using var client = await RawConnection.OpenAsync(sidecar.Socket, Deadline);
        // More than Kestrel bears of one connection; the last of them wait until it has forgotten some.
        for (var call = 0; call < 220; call++) await RefuseAsync(client, Refused + 2 * call, Stage);
        await AskAsync(client, Refused + 2 * 220);
    }

    // The connection's window is of all its calls: what arrives for refusals that wait must not keep it from the uploads beside them.
    [Test]
    public async Task Refusals_ThatWait_GiveTheConnectionsWindowBack()
    {
        const int Borne = 90, Pieces = 96;
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        await using var client = await RawConnection.OpenAsync(sidecar.Socket, Deadline);
        var since = Stopwatch.StartNew();
        for (var call = 0; call < Borne; call++) await RefuseAsync(client, Refused + 2 * call, Stage);
        var first = Refused + 2 * Borne;
        for (var stream = first; stream < first + 2 * 4; stream += 2)
        {
            await BeginRefusedAsync(client, stream, Stage);
            for (var piece = 0; piece < Pieces; piece++) await client.SendAsync(RawConnection.Data, 0, stream, new byte[16 << 10]);
        }

        if (since.Elapsed > SoonForgotten) Assert.Ignore("This machine is too busy to tell.");
        var heard = await client.UntilAsync(frame => frame is { Kind: RawConnection.WindowUpdate, Stream: 0 } || frame.Answers(first));
        Assert.That(heard[^1].Kind, Is.EqualTo(RawConnection.WindowUpdate), "before the first of them is answered");
    }

    [Test]
    public async Task Stop_AfterARefusal_IsNotHeldUp()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        await using var client = await RawConnection.OpenAsync(sidecar.Socket, Deadline);
        await RefuseAsync(client, Refused, Stage);
        Assert.That(await sidecar.TerminateAsync(), Is.Zero);
    }

    // A finish where a header belongs, and no end.
    private static async Task BeginRefusedAsync(RawConnection client, int stream, string path)
    {
        await client.BeginAsync(stream, path);
        await client.SendAsync(RawConnection.Data, 0, stream, [0, 0, 0, 0, 2, 0x1A, 0]);
    }

    private static async Task RefuseAsync(RawConnection client, int stream, string path)
    {
        await BeginRefusedAsync(client, stream, path);
        var heard = await client.UntilAsync(frame => frame.Resets(stream));
        Assert.That(heard.Any(frame => frame.Answers(stream)), "told why before it is told to stop");
    }

    private static async Task AskAsync(RawConnection client, int stream)
    {
        await client.BeginAsync(stream, Check);
        await client.SendAsync(RawConnection.Data, RawConnection.EndStream, stream, new byte[5]);
        await client.UntilAsync(frame => frame.Answers(stream));
    }
}
