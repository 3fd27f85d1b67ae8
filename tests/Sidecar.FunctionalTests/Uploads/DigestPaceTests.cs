using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>Digests that are slower than what brings the bytes.</summary>
internal sealed class DigestPaceTests : SidecarTest
{
    private const int Mebibyte = 1 << 20;
    private const int Pieces = 12;
    private const long Size = Pieces * 64L * Mebibyte;

    private static readonly string[] All = ["md5", "sha1", "sha256", "sha512"];
    private static readonly string[] Digesting = [.. All.SelectMany((name, index) => (string[])[$"--Staging:Digests:{index}", name])];

    // Little enough to be waited for.
    private const ulong HoleBytes = 1000UL * Mebibyte;

    private static readonly StageRequest Hole = new() { Chunk = new StageChunk { Zeros = HoleBytes } };
    private static readonly byte[] Piece = Content(64 * Mebibyte);

    [Test]
    public async Task Adopt_OfAFileThatIsOnTheDisk_ReadsItOnce()
    {
        using var limit = new MemoryLimit(192 * Mebibyte);
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartUnderAsync(limit.Launcher, directory.Path, Digesting);
        var path = Path.Combine(directory.Staging, "written");
        await using (var file = File.Create(path))
        {
            for (var piece = 0; piece < Pieces; piece++) await file.WriteAsync(Piece, Deadline);
            file.Flush(flushToDisk: true);
        }

        await DropFromCacheAsync(path);
        var before = Io(sidecar, "read_bytes");
        var image = await sidecar.Staging.AdoptFileAsync(
            new AdoptFileRequest { ImageId = NewId(), Path = path }, cancellationToken: Deadline);

        Assert.That(image.Digests["md5"], Is.EqualTo(Md5()));
        Assert.That(Io(sidecar, "read_bytes") - before, Is.InRange(Size / 2, Size * 5 / 4));
    }

    [Test]
    public async Task Stage_ThatWaitsForItsDigests_IsNotSilent()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(
            directory.Path, [.. Digesting, "--Staging:IdleTimeout", "00:00:01"]);
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(NewId());
        await stage.SendAsync(Hole);
        Assert.That((await stage.FinishAsync(HoleBytes)).Size, Is.EqualTo(HoleBytes));
        var waited = await MetricsPage.ReadAsync(sidecar, "glance_staging_upload_stall_seconds_total{cause=\"digests\"}", Deadline);
        Assert.That(waited, Is.Positive);
    }

    [Test]
    public async Task Stage_ThatWaitsForItsDigests_EndsWithAnAbort()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, Digesting);
        var (id, before) = (NewId(), Io(sidecar, "rchar"));
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.HeaderAsync(id);
        await stage.SendAsync(Hole);
        await ReceivedAsync(sidecar, id, HoleBytes);
        await sidecar.Staging.AbortUploadAsync(new AbortUploadRequest { ImageId = id }, cancellationToken: Deadline);
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(async () => await stage.FinishAsync(HoleBytes)), StatusCode.Aborted, "UPLOAD_ABORTED");
        Assert.That(Io(sidecar, "rchar") - before, Is.LessThan(All.Length * (long)HoleBytes / 2), "read by digests that nobody wants any more");
    }

    private static string Md5()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        for (var piece = 0; piece < Pieces; piece++) hash.AppendData(Piece);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async Task DropFromCacheAsync(string path)
    {
        using var dd = Process.Start("dd", ["if=" + path, "iflag=nocache", "count=0", "status=none"]);
        await dd.WaitForExitAsync(Deadline);
        Assert.That(dd.ExitCode, Is.Zero);
    }

    private static long Io(SidecarInstance sidecar, string what) => long.Parse(
        File.ReadLines($"/proc/{sidecar.ProcessId}/io").Single(line => line.StartsWith(what + ":", StringComparison.Ordinal))[(what.Length + 1)..],
        CultureInfo.InvariantCulture);
}
