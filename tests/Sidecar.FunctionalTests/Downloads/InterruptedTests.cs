using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Downloads;

/// <summary>Downloads whose daemon, server or trust is not what it should be; each with a daemon of its own.</summary>
internal sealed class InterruptedTests : DownloadTest
{
    private const ulong FirstBlock = 256 << 10;

    [TestCase(true)]
    [TestCase(false)]
    public async Task Daemon_IsKilled_TheSameRequestGoesOnIfTheFileIsTheSame(bool isTheSame)
    {
        var (before, after) = (Content(MiB), Content(MiB, seed: 2));
        var id = NewId();
        using var directory = TestDirectory.Create();
        await using var server = await FileServer.StartAsync((self, call) => self.Ranges.Count == 1
            ? FileServer.SendPartAsync(call, before, Tag, MiB / 2, () => Task.Delay(Timeout.Infinite, call.RequestAborted))
            : FileServer.SendPartAsync(call, isTheSame ? before : after, isTheSame ? Tag : "\"two\""));
        await using (var killed = await SidecarInstance.StartAsync(directory.Path, Settings))
        {
            var download = DownloadAsync(killed, id, server.Url);
            await ReceivedAsync(killed, id, FirstBlock);
            await killed.KillAsync();
            await Assert.ThatAsync(() => download, Throws.InstanceOf<RpcException>());
        }

        Assert.That(
            await File.ReadAllTextAsync(Path.Combine(directory.Staging, ".sidecar", "uploads", id, "upload.json"), Deadline),
            Does.Not.Contain(FileServer.Token));
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, Settings);

        await DownloadAsync(sidecar, id, server.Url);

        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(isTheSame ? before : after));
        Assert.That(server.Ranges[1], Does.Match("^bytes=[1-9][0-9]{5,}-$"));
    }

    /// <summary>How a server answers that is asked for the last byte of a file.</summary>
    public enum AtTheEnd
    {
        SendsIt,
        SaysThatThereIsNone,
        SendsNone,
        SendsNoneOfUnknownLength,
    }

    [Test]
    public async Task Daemon_IsKilledAfterTheLastByte_TheSameRequestEndsIt([Values] AtTheEnd answer)
    {
        var content = Content(MiB);
        var (id, isWatched) = (NewId(), new TaskCompletionSource());
        using var directory = TestDirectory.Create();
        await using var server = await FileServer.StartAsync((self, call) => self.Ranges.Count switch
        {
            1 => SendInTwoAsync(call, content, isWatched.Task),
            2 => SendTheEndAsync(call, content, answer),
            _ => FileServer.SendPartAsync(call, content, Tag),
        });
        await using (var killed = await SidecarInstance.StartAsync(directory.Path, Settings))
        {
            var download = DownloadAsync(killed, id, server.Url);
            await ReceivedAsync(killed, id, FirstBlock);
            var file = Path.Combine(directory.Staging, ".sidecar", "uploads", id, "data");
            // The first of a commit.
            using var strace = await Strace.AttachAsync(killed, "fsync:signal=KILL", Deadline, file);
            isWatched.SetResult();
            await Assert.ThatAsync(() => download, Throws.InstanceOf<RpcException>());
            await killed.ExitAsync();
        }

        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, Settings);

        await DownloadAsync(sidecar, id, server.Url);

        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
        string[] asked = ["", $"bytes={MiB - 1}-"];
        Assert.That(server.Ranges, Is.EqualTo(answer == AtTheEnd.SendsIt ? asked : [.. asked, ""]));
    }

    [Test]
    public async Task Daemon_Stops_WhatHasArrivedStays()
    {
        var content = Content(MiB);
        var id = NewId();
        using var directory = TestDirectory.Create();
        await using var server = await FileServer.StartAsync((self, call) => self.Ranges.Count == 1
            ? FileServer.SendPartAsync(call, content, Tag, MiB / 2, () => Task.Delay(Timeout.Infinite, call.RequestAborted))
            : FileServer.SendPartAsync(call, content, Tag));
        await using (var stopped = await SidecarInstance.StartAsync(directory.Path, [.. Settings, "--Hosting:DrainTimeout", "00:00:01"]))
        {
            var download = DownloadAsync(stopped, id, server.Url);
            await ReceivedAsync(stopped, id, FirstBlock);
            Assert.That(await stopped.TerminateAsync(), Is.Zero);
            AssertRefused(await Assert.ThrowsAsync<RpcException>(() => download), StatusCode.Unavailable, "DRAINING");
        }

        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, Settings);

        await DownloadAsync(sidecar, id, server.Url);

        Assert.That(await ReadAsync(sidecar, id), SameBytes.As(content));
        Assert.That(server.Ranges[1], Does.StartWith("bytes="));
    }

    [TestCase(0)]
    [TestCase(1000)]
    public async Task Server_GoesSilent_FailsTheDownload(int after)
    {
        var content = Content(MiB);
        using var directory = TestDirectory.Create();
        await using var server = await FileServer.StartAsync(async call =>
        {
            var gone = Task.Delay(Timeout.Infinite, call.RequestAborted);
            if (after > 0) await FileServer.SendPartAsync(call, content, Tag, after, () => gone);
            else await gone;
        });
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, [.. Settings, "--Downloads:IdleTimeout", "00:00:00.2000000"]);

        await AssertFailsAsync(sidecar, Request(NewId(), server.Url), StatusCode.Aborted, "SOURCE_BROKE");
    }

    [Test]
    public async Task Server_SendsByteByByte_FailsTheDownload()
    {
        using var directory = TestDirectory.Create();
        await using var server = await FileServer.StartAsync(async call =>
        {
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
            while (await pace.WaitForNextTickAsync(call.RequestAborted)) await call.Response.Body.WriteAsync(new byte[1]);
        });
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, [.. Settings, "--Downloads:IdleTimeout", "00:00:00.2000000"]);

        await AssertFailsAsync(sidecar, Request(NewId(), server.Url), StatusCode.Aborted, "SOURCE_BROKE");
    }

    [Test]
    public async Task Server_WithACertificate_IsTrustedByItsAuthorityOnly()
    {
        using var directory = TestDirectory.Create();
        using var authority = new TestAuthority();
        using var issued = authority.Issue("localhost");
        var file = directory["server.pfx"];
        await File.WriteAllBytesAsync(file, issued.Export(X509ContentType.Pfx), Deadline);
        using var certificate = X509CertificateLoader.LoadPkcs12FromFile(file, null);
        await File.WriteAllTextAsync(directory["trusted.pem"], authority.ChainPem(issued) + authority.RootPem, Deadline);
        var content = Content(1000);
        await using var server = await FileServer.StartAsync(call => FileServer.SendAsync(call, content), certificate);
        await using var sidecar = await SidecarInstance.StartUnderAsync(
            ["env", $"SSL_CERT_FILE={directory["trusted.pem"]}"], directory.Path, Settings);
        var request = Request(NewId(), new Uri($"https://localhost:{server.Port}/image"));
        request.Rules.AllowedHosts.Add("localhost");

        Assert.That((await DownloadAsync(sidecar, request)).Size, Is.EqualTo(1000));
        // The same server by a name that its certificate has not.
        var byAddress = Request(NewId(), new Uri($"https://127.0.0.1:{server.Port}/image"));
        await AssertFailsAsync(sidecar, byAddress, StatusCode.FailedPrecondition, "SOURCE_UNTRUSTED");
        using var elsewhere = TestDirectory.Create();
        await using var stranger = await SidecarInstance.StartAsync(elsewhere.Path, Settings);
        request.ImageId = NewId();
        await AssertFailsAsync(stranger, request, StatusCode.FailedPrecondition, "SOURCE_UNTRUSTED");
    }

    private static async Task SendInTwoAsync(HttpContext call, byte[] content, Task between)
    {
        call.Response.Headers.ETag = Tag;
        call.Response.Headers.AcceptRanges = "bytes";
        call.Response.ContentLength = content.Length;
        await call.Response.Body.WriteAsync(content.AsMemory(0, content.Length / 2));
        await call.Response.Body.FlushAsync();
        await between;
        await call.Response.Body.WriteAsync(content.AsMemory(content.Length / 2));
    }

    private static Task SendTheEndAsync(HttpContext call, byte[] content, AtTheEnd answer)
    {
        if (answer == AtTheEnd.SendsIt) return FileServer.SendPartAsync(call, content, Tag);
        var isRefused = answer == AtTheEnd.SaysThatThereIsNone;
        call.Response.StatusCode = isRefused ? StatusCodes.Status416RangeNotSatisfiable : StatusCodes.Status206PartialContent;
        call.Response.Headers.ETag = Tag;
        call.Response.Headers.ContentRange = isRefused ? $"bytes */{MiB}" : $"bytes {MiB - 1}-{MiB - 1}/{MiB}";
        if (answer != AtTheEnd.SendsNoneOfUnknownLength) return Task.CompletedTask;
        return call.Response.StartAsync(); // in chunks, of which there are none
    }
}
