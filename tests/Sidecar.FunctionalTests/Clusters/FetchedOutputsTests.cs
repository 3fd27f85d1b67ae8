using System.IO.Compression;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Peers.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Space;
using Sidecar.Staging.Uploads;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>Outputs of a real owner's imports come here whole, whatever happens on the way.</summary>
internal sealed class FetchedOutputsTests : SidecarTest
{
    private const int Mebibyte = 1 << 20;
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    [Test]
    public async Task Bring_SparseOutput_ArrivesWholeAndSparse()
    {
        await using var cluster = await Cluster.StartAsync(1);
        byte[] disk = [.. Content(Mebibyte), .. new byte[60 * Mebibyte], .. Content(Mebibyte, 2), .. new byte[2 * Mebibyte]];
        var import = await ImportAsync(cluster[0], disk);
        await using var receiver = new Receiver(Address(cluster), Long);
        var path = await receiver.Outputs.FetchAsync(receiver.Owner, import, null, Deadline);
        Assert.That(await File.ReadAllBytesAsync(path, Deadline), SameBytes.As(disk));
        Assert.That(await FileBlocks.AllocatedAsync(path), Is.LessThan(4 * Mebibyte));
        Assert.That(File.GetUnixFileMode(path), Is.EqualTo((UnixFileMode)0b110_110_000));
        Assert.That(receiver.Outputs.TryGet(Guid.Parse(import.ImportId), out var output), Is.True);
        Assert.That((output!.Path, output.Size, output.ImageId.ToString()), Is.EqualTo((path, (long)disk.Length, import.ImageId)));
        var sent = await MetricsPage.ReadAsync(
            cluster[0], "glance_staging_transfer_bytes_total{kind=\"output\",direction=\"sent\"}", Deadline);
        Assert.That(sent, Is.InRange(2 * Mebibyte, 4 * Mebibyte), "holes are not sent");
        Assert.That(await receiver.Outputs.FetchAsync(receiver.Owner, import, null, Deadline), Is.EqualTo(path), "again");
        await receiver.RestartAsync();
        Assert.That(receiver.Outputs.TryGet(Guid.Parse(import.ImportId), out _), Is.True, "after a restart");
    }

    [Test]
    public async Task Bring_TwoCallers_ShareOneTransferThatOutlivesThem()
    {
        await using var cluster = await Cluster.StartAsync(1);
        var disk = Content(4 * Mebibyte);
        var import = await ImportAsync(cluster[0], disk);
        await using var receiver = new Receiver(Address(cluster), Long);
        var gate = new TransferGate(Mebibyte, Deadline);
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Deadline);
        var first = receiver.Outputs.FetchAsync(receiver.Owner, import, gate.Progress, impatient.Token);
        await gate.Reached;
        var second = receiver.Outputs.FetchAsync(receiver.Owner, import, null, Deadline);
        await impatient.CancelAsync();
        await Assert.ThatAsync(async () => await first, Throws.InstanceOf<OperationCanceledException>());
        gate.Open();
        Assert.That(await File.ReadAllBytesAsync(await second, Deadline), SameBytes.As(disk));
        var sent = await MetricsPage.ReadAsync(
            cluster[0], "glance_staging_transfer_bytes_total{kind=\"output\",direction=\"sent\"}", Deadline);
        Assert.That(sent, Is.EqualTo(disk.Length), "sent once");
    }

    [Test]
    public async Task Bring_OwnerKilledInTheMidstAndBack_GoesOnWhereItWas()
    {
        await using var cluster = await Cluster.StartAsync(1);
        var disk = Content(48 * Mebibyte);
        var import = await ImportAsync(cluster[0], disk);
        await using var receiver = new Receiver(Address(cluster), Long);
        var gate = new TransferGate(4 * Mebibyte, Deadline);
        var fetch = receiver.Outputs.FetchAsync(receiver.Owner, import, gate.Progress, Deadline);
        await gate.Reached;
        await cluster.KillPodAsync(0);
        gate.Open();
        await cluster.StartPodAsync(0);
        Assert.That(await File.ReadAllBytesAsync(await fetch, Deadline), SameBytes.As(disk));
        Assert.That((gate.WentBack, gate.Last), Is.EqualTo((false, (long)disk.Length)));
    }

    [Test]
    public async Task Bring_OwnerStaysAway_IsOwnerLostAndTheNextOneGoesOn()
    {
        await using var cluster = await Cluster.StartAsync(1);
        var disk = Content(48 * Mebibyte);
        var import = await ImportAsync(cluster[0], disk);
        await using var receiver = new Receiver(Address(cluster), TimeSpan.FromMilliseconds(200));
        var gate = new TransferGate(4 * Mebibyte, Deadline);
        var fetch = receiver.Outputs.FetchAsync(receiver.Owner, import, gate.Progress, Deadline);
        await gate.Reached;
        await cluster.KillPodAsync(0);
        gate.Open();
        var lost = (await Assert.ThrowsAsync<PeerException>(() => fetch))!;
        Assert.That((lost.Error, lost.Facts["owner"]), Is.EqualTo((PeerError.OwnerLost, receiver.Owner.Name)));
        Assert.That(receiver.Outputs.TryGet(Guid.Parse(import.ImportId), out _), Is.False);
        await cluster.StartPodAsync(0);
        var again = new TransferGate(long.MaxValue, Deadline);
        var path = await receiver.Outputs.FetchAsync(receiver.Owner, import, again.Progress, Deadline);
        Assert.That(again.First, Is.GreaterThanOrEqualTo(gate.Last));
        Assert.That(await File.ReadAllBytesAsync(path, Deadline), SameBytes.As(disk));
    }

    [Test]
    public async Task Bring_OwnerWithAllReadsTaken_WaitsForAPlace()
    {
        await using var cluster = await Cluster.StartAsync(1, "--Rpc:MaxReads", "1");
        var disk = Content(16 * Mebibyte);
        var import = await ImportAsync(cluster[0], disk);
        await using var receiver = new Receiver(Address(cluster), Long);
        Task<string> fetch;
        using (var other = cluster[0].Staging.ReadImage(
            new ReadImageRequest { ImageId = import.ImageId, ImportId = import.ImportId }, cancellationToken: Deadline))
        {
            Assert.That(await other.ResponseStream.MoveNext(Deadline), Is.True);
            fetch = receiver.Outputs.FetchAsync(receiver.Owner, import, null, Deadline);
            await MetricsPage.UntilAsync(
                cluster[0], "glance_staging_admission_rejected_total{reason=\"OVERLOADED\"}", 2, Deadline);
            Assert.That(fetch.IsCompleted, Is.False);
        }

        Assert.That(await File.ReadAllBytesAsync(await fetch, Deadline), SameBytes.As(disk));
    }

    [Test]
    public async Task Bring_AfterAnOwnRestart_GoesOnFromWhatCanBeTrusted([Values] bool rebooted)
    {
        await using var cluster = await Cluster.StartAsync(1);
        var disk = Content(32 * Mebibyte);
        var import = await ImportAsync(cluster[0], disk);
        await using var receiver = new Receiver(Address(cluster), Long);
        var gate = new TransferGate(5 * Mebibyte + 1, Deadline);
        var fetch = receiver.Outputs.FetchAsync(receiver.Owner, import, gate.Progress, Deadline);
        await gate.Reached;
        receiver.Outputs.Stop();
        gate.Open();
        await Assert.ThatAsync(async () => await fetch, Throws.InstanceOf<StagingException>());
        var directory = receiver.Layout.OutputDirectory(Guid.Parse(import.ImportId));
        var durable = 0L;
        await receiver.RestartAsync(() =>
        {
            if (rebooted) durable = PretendReboot(directory);
        });
        Assert.That(receiver.Outputs.TryGet(Guid.Parse(import.ImportId), out _), Is.False, "not whole yet");
        var again = new TransferGate(long.MaxValue, Deadline);
        var path = await receiver.Outputs.FetchAsync(receiver.Owner, import, again.Progress, Deadline);
        Assert.That(again.First, rebooted ? Is.EqualTo(durable) : Is.EqualTo(gate.Last));
        Assert.That(await File.ReadAllBytesAsync(path, Deadline), SameBytes.As(disk));
        Assert.That(
            Directory.EnumerateFiles(directory).Select(Path.GetFileName), Is.EquivalentTo(new[] { "data", "output.json" }));
    }

    [Test]
    public async Task Bring_NoRoom_IsRefusedBeforeTheFirstByteAndLeavesNothing()
    {
        await using var cluster = await Cluster.StartAsync(1);
        var import = await ImportAsync(cluster[0], Content(2 * Mebibyte));
        await using var receiver = new Receiver(Address(cluster), Long, () => new VolumeSpace(Mebibyte, Mebibyte));
        var full = (await Assert.ThrowsAsync<StagingException>(
            () => receiver.Outputs.FetchAsync(receiver.Owner, import, null, Deadline)))!;
        Assert.That((full.Error, full.Facts["needed"]), Is.EqualTo((StagingError.NoSpace, $"{2 * Mebibyte}")));
        var data = new DirectoryInfo(receiver.Layout.Outputs).EnumerateFiles("data", SearchOption.AllDirectories);
        Assert.That(data.Sum(file => file.Length), Is.Zero);
    }

    [Test]
    public async Task Bring_ImportThatIsGone_TellsTheOwnersReason()
    {
        await using var cluster = await Cluster.StartAsync(1);
        var import = await ImportAsync(cluster[0], Content(Mebibyte));
        await cluster[0].Imports.ReleaseImportAsync(new ReleaseImportRequest { ImportId = import.ImportId, KeepImage = true });
        await using var receiver = new Receiver(Address(cluster), Long);
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => receiver.Outputs.FetchAsync(receiver.Owner, import, null, Deadline)),
            StatusCode.NotFound, "IMPORT_NOT_FOUND");
        Assert.That(Directory.EnumerateFileSystemEntries(receiver.Layout.Outputs), Is.Empty);
    }

    [TestCase(LyingOwner.Lie.OnceAboutTheCrc, null)]
    [TestCase(LyingOwner.Lie.AlwaysAboutTheCrc, PeerError.TransferCorrupt)]
    [TestCase(LyingOwner.Lie.AboutTheLength, PeerError.TransferCorrupt)]
    [TestCase(LyingOwner.Lie.EndsEarly, PeerError.TransferCorrupt)]
    [TestCase(LyingOwner.Lie.BeyondTheEnd, PeerError.TransferCorrupt)]
    public async Task Bring_OtherBytesThanTheOwnerHas_AreNeverTaken(LyingOwner.Lie lie, PeerError? expected)
    {
        var disk = Content(3 * Mebibyte);
        await using var owner = await LyingOwner.StartAsync(lie, disk);
        await using var receiver = new Receiver(owner.Address, Long);
        var import = Succeeded(NewId(), NewId(), disk.Length);
        var fetch = receiver.Outputs.FetchAsync(receiver.Owner, import, null, Deadline);
        if (expected is null)
        {
            Assert.That(await File.ReadAllBytesAsync(await fetch, Deadline), SameBytes.As(disk));
            return;
        }

        Assert.That((await Assert.ThrowsAsync<PeerException>(() => fetch))!.Error, Is.EqualTo(expected));
        Assert.That(Directory.EnumerateFileSystemEntries(receiver.Layout.Outputs), Is.Empty);
    }

    [Test]
    public async Task Bring_WhoseJournalCannotBeRemoved_IsThereAllTheSame()
    {
        var disk = Content(4 * Mebibyte);
        await using var cluster = await Cluster.StartAsync(1);
        var import = await ImportAsync(cluster[0], disk);
        await using var receiver = new Receiver(Address(cluster), Long);
        var gate = new TransferGate(Mebibyte, Deadline);
        var fetch = receiver.Outputs.FetchAsync(receiver.Owner, import, gate.Progress, Deadline);
        await gate.Reached;
        var id = Guid.Parse(import.ImportId);
        using (Mount.Over(Path.Combine(receiver.Layout.OutputDirectory(id), "journal")))
        {
            gate.Open();
            Assert.That(await File.ReadAllBytesAsync(await fetch, Deadline), SameBytes.As(disk));
        }

        Assert.That(await receiver.Outputs.FetchAsync(receiver.Owner, import, null, Deadline), Is.EqualTo(await fetch), "again");
        Assert.That(await receiver.Outputs.RemoveAsync(id), Is.EqualTo(disk.Length));
    }

    [Test]
    public async Task Recover_WhatNobodyCanRead_IsRemovedAndTheRestKept()
    {
        var disk = Content(Mebibyte);
        await using var owner = await LyingOwner.StartAsync(LyingOwner.Lie.None, disk);
        await using var receiver = new Receiver(owner.Address, Long);
        var (good, cut) = (Succeeded(NewId(), NewId(), disk.Length), Succeeded(NewId(), NewId(), disk.Length));
        await receiver.Outputs.FetchAsync(receiver.Owner, good, null, Deadline);
        var path = await receiver.Outputs.FetchAsync(receiver.Owner, cut, null, Deadline);
        await receiver.RestartAsync(() =>
        {
            File.WriteAllBytes(path, [1]);
            Directory.CreateDirectory(receiver.Layout.OutputDirectory(Guid.NewGuid()));
        });
        Assert.That(receiver.Outputs.Records.Select(record => $"{record.ImportId}"), Is.EqualTo(new[] { good.ImportId }));
        Assert.That(Directory.EnumerateFileSystemEntries(receiver.Layout.Outputs).Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task RemoveForImage_AndSweep_TakeTheFilesAway()
    {
        var disk = Content(Mebibyte);
        await using var owner = await LyingOwner.StartAsync(LyingOwner.Lie.None, disk);
        await using var receiver = new Receiver(owner.Address, Long);
        var (one, two) = (Succeeded(NewId(), NewId(), disk.Length), Succeeded(NewId(), NewId(), disk.Length));
        await receiver.Outputs.FetchAsync(receiver.Owner, one, null, Deadline);
        await receiver.Outputs.FetchAsync(receiver.Owner, two, null, Deadline);
        Assert.That(await receiver.Outputs.RemoveForImageAsync(ImageId.Parse(one.ImageId), DateTimeOffset.MaxValue), Is.EqualTo(disk.Length));
        Assert.That(await receiver.Outputs.RemoveAsync(Guid.Parse(one.ImportId)), Is.Zero);
        await receiver.Outputs.SweepAsync(DateTimeOffset.UtcNow + TimeSpan.FromDays(6));
        Assert.That(receiver.Outputs.Records, Has.Count.EqualTo(1));
        await receiver.Outputs.SweepAsync(DateTimeOffset.UtcNow + TimeSpan.FromDays(8));
        Assert.That(receiver.Outputs.Records, Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(receiver.Layout.Outputs), Is.Empty);
    }

    private static string Address(Cluster cluster) => $"glance-0={cluster.Address(0)}:{Cluster.PeerPort}";

    /// <summary>An import as its owner tells it.</summary>
    public static ImportMessage Succeeded(string imageId, string importId, long size) => new()
    {
        ImageId = imageId, ImportId = importId, State = ImportMessage.Types.State.Succeeded,
        FinishedAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow),
        Result = new ImportResult { Size = (ulong)size },
    };

    // The journal's points are of another kernel, and the tail behind the last one is not what was written.
    private static long PretendReboot(string directory)
    {
        var path = Path.Combine(directory, "journal");
        var last = UploadJournal.ReadLast(path, default);
        Assert.That(last.Offset, Is.Positive);
        using (var journal = UploadJournal.Open(path, default)) journal.Append(last with { BootId = Guid.NewGuid() });
        using var data = File.OpenHandle(Path.Combine(directory, "data"), FileMode.Open, FileAccess.Write);
        RandomAccess.Write(data, new byte[4096], last.Offset);
        return last.Offset;
    }

    // Decompression leaves holes for zeros, and makes an output of its own.
    private static async Task<ImportMessage> ImportAsync(SidecarInstance owner, byte[] disk)
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) await gzip.WriteAsync(disk, Deadline);
        var id = NewId();
        await StageAsync(owner, id, packed.ToArray());
        var request = new RunImportRequest { ImageId = id, ImportId = NewId(), Stages = { "image_decompression" } };
        using var call = owner.Imports.RunImport(request, cancellationToken: Deadline);
        ImportMessage? last = null;
        await foreach (var update in call.ResponseStream.ReadAllAsync(Deadline)) last = update.Import;
        Assert.That(last!.Result.Size, Is.EqualTo((ulong)disk.Length));
        return last;
    }
}
