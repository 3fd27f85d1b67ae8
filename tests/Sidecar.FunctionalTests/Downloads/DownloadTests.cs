using System.Security.Cryptography;
using Glance.Sidecar.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Downloads;

/// <summary>Downloads of the real daemon from real servers that are good, bad, or another one each time.</summary>
internal sealed class DownloadTests : DownloadTest
{
    private const ulong FirstBlock = 256 << 10;

    private static TestDirectory? _directory;
    private static SidecarInstance? _sidecar;

    private static SidecarInstance Daemon => _sidecar!;

    [OneTimeSetUp]
    public static async Task StartAsync()
    {
        _directory = TestDirectory.Create();
        _sidecar = await SidecarInstance.StartAsync(_directory.Path, Settings);
    }

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (_sidecar is not null) await _sidecar.DisposeAsync();
        _directory?.Dispose();
    }

    [Test]
    public async Task Download_ServerHasParts_AsksForEachOnceAndStagesTheImage()
    {
        var content = Content((6 * MiB) + 5);
        await using var server = await FileServer.StartAsync(call => FileServer.SendPartAsync(call, content, Tag));
        var id = NewId();

        var image = await DownloadAsync(Daemon, id, server.Url);

        Assert.That(image.Size, Is.EqualTo((ulong)content.Length));
        Assert.That(await ReadAsync(Daemon, id), SameBytes.As(content));
        Assert.That(server.Ranges, Does.Contain("").And.Contain($"bytes={MiB}-{(2 * MiB) - 1}"));
        Assert.That(server.Ranges, Is.Unique);
    }

    [Test]
    public async Task Download_ByAPodThatHasJustStarted_EndsWhenItsPeersWereAsked()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await cluster.StopPodAsync(1);
        // It takes the connection and answers nothing.
        cluster[0].Signal("STOP");
        var content = Content(MiB);
        await using var server = await FileServer.StartAsync(call => FileServer.SendAsync(call, content));

        await DownloadAsync(await cluster.StartPodAsync(1), NewId(), server.Url);

        var peer = (await cluster[1].Peers.ListPeersAsync(new ListPeersRequest())).Peers.Single();
        cluster[0].Signal("CONT");
        Assert.That(peer.Failure, Is.Not.Empty, "or it would not have been asked yet whether it knows the pod");
    }

    [Test]
    public async Task Download_ServerHasNoParts_StagesTheImage()
    {
        var content = Content((3 * MiB) + 1);
        await using var server = await FileServer.StartAsync(call => FileServer.SendAsync(call, content));
        var id = NewId();

        await DownloadAsync(Daemon, id, server.Url);

        Assert.That(await ReadAsync(Daemon, id), SameBytes.As(content));
        Assert.That(server.Ranges, Is.EqualTo(new[] { "" }));
    }

    [Test]
    public async Task Download_OfUnknownLength_StagesTheImage()
    {
        var content = Content(MiB);
        await using var server = await FileServer.StartAsync(call => call.Response.Body.WriteAsync(content).AsTask());
        var id = NewId();

        await DownloadAsync(Daemon, id, server.Url);

        Assert.That(await ReadAsync(Daemon, id), SameBytes.As(content));
    }

    [Test]
    public async Task Download_ConnectionBreaks_GoesOnAtTheOffset()
    {
        var content = Content(MiB + (MiB / 2));
        var id = NewId();
        await using var server = await FileServer.StartAsync((self, call) => self.Ranges.Count > 1
            ? FileServer.SendPartAsync(call, content, Tag)
            : FileServer.SendPartAsync(call, content, Tag, MiB, () => ReceivedAsync(Daemon, id, FirstBlock)));

        await DownloadAsync(Daemon, id, server.Url);

        Assert.That(await ReadAsync(Daemon, id), SameBytes.As(content));
        Assert.That(server.Ranges, Has.Count.EqualTo(2));
        Assert.That(server.Ranges[1], Does.Match("^bytes=[1-9][0-9]{5,}-$"));
    }

    [Test]
    public async Task Download_ServerHasAnotherFileAfterABreak_StagesThatOne()
    {
        var (before, after) = (Content(MiB + (MiB / 2)), Content(MiB, seed: 2));
        var id = NewId();
        await using var server = await FileServer.StartAsync((self, call) => self.Ranges.Count > 1
            ? FileServer.SendPartAsync(call, after, "\"two\"")
            : FileServer.SendPartAsync(call, before, Tag, MiB, () => ReceivedAsync(Daemon, id, FirstBlock)));

        await DownloadAsync(Daemon, id, server.Url);

        Assert.That(await ReadAsync(Daemon, id), SameBytes.As(after));
    }

    [Test]
    public async Task Download_FileChangesBetweenParts_StagesOneVersionOnly()
    {
        var (before, after) = (Content(6 * MiB), Content(6 * MiB, seed: 2));
        var id = NewId();
        await using var server = await FileServer.StartAsync((self, call) => self.Ranges.Count > 3
            ? FileServer.SendPartAsync(call, after, "\"two\"") : FileServer.SendPartAsync(call, before, Tag));

        await DownloadAsync(Daemon, id, server.Url);

        Assert.That(await ReadAsync(Daemon, id), SameBytes.As(after));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Download_ServerClosesEarlyEachTime_Fails(bool hasParts)
    {
        var content = Content(MiB);
        await using var server = await FileServer.StartAsync(async call =>
        {
            if (hasParts)
            {
                await FileServer.SendPartAsync(call, content, Tag, 1000);
                return;
            }

            await call.Response.Body.WriteAsync(content);
            await call.Response.Body.FlushAsync();
            call.Abort(); // in the middle of chunks
        });

        var facts = await AssertFailsAsync(Daemon, Request(NewId(), server.Url), StatusCode.Aborted, "SOURCE_BROKE");

        Assert.That(facts["host"], Is.EqualTo("127.0.0.1"));
        Assert.That(server.Paths, Has.Count.EqualTo(3), "attempts");
    }

    [Test]
    public async Task Download_NotFound_TellsTheStatusAtOnce()
    {
        await using var server = await FileServer.StartAsync(call =>
        {
            call.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });

        var facts = await AssertFailsAsync(Daemon, Request(NewId(), server.Url), StatusCode.FailedPrecondition, "SOURCE_REFUSED");

        Assert.That((facts["status"], facts["received"]), Is.EqualTo(("404", "0")));
        Assert.That(server.Paths, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Download_ServerFailsOnce_IsTriedAgain()
    {
        var content = Content(1000);
        await using var server = await FileServer.StartAsync((self, call) =>
        {
            if (self.Paths.Count > 1) return FileServer.SendAsync(call, content);
            call.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return Task.CompletedTask;
        });
        var id = NewId();

        await DownloadAsync(Daemon, id, server.Url);

        Assert.That(await ReadAsync(Daemon, id), SameBytes.As(content));
    }

    [TestCase(StatusCodes.Status429TooManyRequests)]
    [TestCase(StatusCodes.Status503ServiceUnavailable)]
    public async Task Download_ServerIsBusy_IsTriedAgainWhenItSays(int status)
    {
        var content = Content(1000);
        await using var server = await FileServer.StartAsync((self, call) =>
        {
            if (self.Paths.Count > 1) return FileServer.SendAsync(call, content);
            call.Response.StatusCode = status;
            call.Response.Headers.RetryAfter = "1";
            return Task.CompletedTask;
        });
        var id = NewId();

        await DownloadAsync(Daemon, id, server.Url);

        Assert.That(await ReadAsync(Daemon, id), SameBytes.As(content));
        await Daemon.LoggedAsync($"The download of image {id} is tried again at offset 0 in 00:00:01:", Deadline);
    }

    [Test]
    public async Task Download_NobodyListens_Fails()
    {
        var server = await FileServer.StartAsync(_ => Task.CompletedTask);
        var url = server.Url;
        await server.DisposeAsync();

        await AssertFailsAsync(Daemon, Request(NewId(), url), StatusCode.Aborted, "SOURCE_UNREACHABLE");
    }

    [TestCase("Content-MD5", "md5")]
    [TestCase("Repr-Digest", "sha256")]
    [TestCase("x-goog-hash", "md5")]
    public async Task Download_ServerTellsADigest_IsHeldAgainstTheBytes(string header, string algorithm)
    {
        var content = Content(1000);
        var digest = algorithm == "md5" ? MD5.HashData(content) : SHA256.HashData(content);
        var flaw = 0;
        await using var server = await FileServer.StartAsync(call =>
        {
            var value = Convert.ToBase64String([(byte)(digest[0] + flaw), .. digest[1..]]);
            call.Response.Headers[header] = header switch
            {
                "Content-MD5" => value,
                "x-goog-hash" => "md5=" + value,
                _ => $"sha-256=:{value}:",
            };
            return FileServer.SendAsync(call, content);
        });

        var image = await DownloadAsync(Daemon, NewId(), server.Url);
        Assert.That(image.Digests[algorithm], Is.EqualTo(Convert.ToHexStringLower(digest)));
        flaw = 1;
        await AssertFailsAsync(Daemon, Request(NewId(), server.Url), StatusCode.FailedPrecondition, "DIGEST_MISMATCH");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Download_LargerThanAllowed_Fails(bool saysItsLength)
    {
        var content = Content(MiB);
        await using var server = await FileServer.StartAsync(call => saysItsLength
            ? FileServer.SendAsync(call, content) : call.Response.Body.WriteAsync(content).AsTask());
        var request = Request(NewId(), server.Url);
        request.MaxBytes = MiB - 1;

        await AssertFailsAsync(Daemon, request, StatusCode.FailedPrecondition, "SOURCE_TOO_LARGE");
    }

    [Test]
    public async Task Download_OfAnotherFormatThanClaimed_IsRefused()
    {
        var content = Content(MiB);
        await using var server = await FileServer.StartAsync(call => FileServer.SendAsync(call, content));
        var request = Request(NewId(), server.Url);
        request.DiskFormat = "qcow2";

        await AssertFailsAsync(Daemon, request, StatusCode.FailedPrecondition, "FORMAT_MISMATCH");
    }

    [Test]
    public async Task Download_OfAnOddBootRecord_IsTakenWhereTheClaimToleratesItsCheck()
    {
        var content = BootRecords.Hybrid();
        await using var server = await FileServer.StartAsync(call => FileServer.SendAsync(call, content));
        var request = Request(NewId(), server.Url);
        request.DiskFormat = "raw";

        await AssertFailsAsync(Daemon, request, StatusCode.FailedPrecondition, "IMAGE_REFUSED");
        request.ToleratedChecks.Add("mbr_hybrid");
        Assert.That((await DownloadAsync(Daemon, request)).Size, Is.EqualTo(content.Length));
    }

    [Test]
    public async Task Download_ImageIsDeleted_EndsAndLeavesNothing()
    {
        var content = Content(MiB);
        var id = NewId();
        await using var server = await FileServer.StartAsync(call => FileServer.SendPartAsync(
            call, content, Tag, MiB / 2, () => Task.Delay(Timeout.Infinite, call.RequestAborted)));
        var download = DownloadAsync(Daemon, id, server.Url);
        await ReceivedAsync(Daemon, id, FirstBlock);

        await Daemon.Staging.DeleteImageAsync(new DeleteImageRequest { ImageId = id });

        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => download), StatusCode.Aborted, "UPLOAD_ABORTED");
        await AssertNothingIsLeftAsync(Daemon, id);
    }

    [Test]
    public async Task Download_CallerGoes_LeavesNothing()
    {
        var content = Content(MiB);
        var id = NewId();
        await using var server = await FileServer.StartAsync(call => FileServer.SendPartAsync(
            call, content, Tag, MiB / 2, () => Task.Delay(Timeout.Infinite, call.RequestAborted)));
        using var caller = new CancellationTokenSource();
        using var call = Client(Daemon).DownloadImage(Request(id, server.Url), cancellationToken: caller.Token);
        await ReceivedAsync(Daemon, id, FirstBlock);

        await caller.CancelAsync();

        while (Directory.Exists(Path.Combine(_directory!.Staging, ".sidecar", "uploads", id)))
        {
            Deadline.ThrowIfCancellationRequested();
            await Cluster.BetweenLooks();
        }
    }

    [Test]
    public async Task Download_IsCounted_AndItsUrlIsInNoLog()
    {
        var content = Content(1000);
        await using var server = await FileServer.StartAsync(call => FileServer.SendAsync(call, content));
        var id = NewId();

        await DownloadAsync(Daemon, id, server.Url);

        await Daemon.LoggedAsync($"Image {id} was downloaded", Deadline);
        Assert.That(Daemon.Log.Where(line => line.Contains(FileServer.Token, StringComparison.Ordinal)), Is.Empty);
        Assert.That(
            await MetricsPage.ReadAsync(Daemon, "glance_staging_downloads_total{result=\"succeeded\",reason=\"\"}", Deadline),
            Is.GreaterThan(0));
        Assert.That(await MetricsPage.ReadAsync(Daemon, "glance_staging_download_bytes_total", Deadline), Is.GreaterThanOrEqualTo(1000));
    }
}
