using System.Security.Cryptography;
using System.Text;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>Images that become raw on their way to a real Ceph of one node.</summary>
internal sealed class DeferredTests : CephTest
{
    private const int DiskBytes = 24 * MiB;

    // More than is in memory at once between the program and the store, so that the program is needed until the end.
    private const int LargeBytes = 40 * MiB;

    // So that a write takes seconds, in which something can happen to it.
    private const int SlowBytes = 4 * MiB;

    private static readonly string[] Kinds = ["qcow2", "qcow2 -c", "vmdk -o subformat=streamOptimized", "vhdx"];

    private readonly string _import = NewId();

    [Test]
    public async Task Store_DiskInAnImage_IsWhatQemuImgMakes([ValueSource(nameof(Kinds))] string kind)
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        var raw = Disk(kind.Contains('-', StringComparison.Ordinal));
        var image = await ImageOfAsync(kind, raw);

        var result = await ImportAsync(scene, image);
        Assert.That((result.Deferred, result.DiskFormat, result.Size, result.VirtualSize),
            Is.EqualTo((true, "raw", (ulong)DiskBytes, (ulong)DiskBytes)));
        var stored = await scene.StoreAsync(_import, Deadline);

        var expected = Place["expected"];
        await ConvertAsync(["-f", kind.Split(' ')[0], "-O", "raw", Place["image"], expected]);
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(await File.ReadAllBytesAsync(expected, Deadline)));
        Assert.That(await scene.ExportAsync(Id + "@snap"), SameBytes.As(raw));
        Assert.That(stored.Digests["md5"], Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(raw))));
        Assert.That(stored.Digests["sha512"], Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(raw))));
        Assert.That(scene.Sockets, Is.Empty);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Store_WhereThereIsNoRoomForTheRawDisk_NeedsNone(bool isDeferred)
    {
        var raw = Disk(isText: false);
        var image = await ImageAsync(raw);
        await using var scene = await StoreScene.StartAsync(
            Ceph, image.Length + (2 * MiB), "--Staging:ReserveBytes", "0", "--Staging:LowWatermarkPercent", "0");
        var imported = ImportAsync(scene, image, isDeferred);
        if (!isDeferred)
        {
            AssertRefused(await Assert.ThrowsAsync<RpcException>(() => imported), StatusCode.ResourceExhausted, "NO_SPACE");
            return;
        }

        await imported;
        await scene.StoreAsync(_import, Deadline);
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(raw));
    }

    [Test]
    public async Task Store_DamagedImage_IsRefusedAsAConversionWouldAndLeavesNoPart()
    {
        var image = await ImageOfAsync("qcow2 -c", Disk(isText: true));
        image.AsSpan(image.Length * 3 / 4).Fill(0xFF);
        await using var scene = await StoreScene.StartAsync(Ceph);
        await ImportAsync(scene, image);

        var refusal = await FailAsync(scene);

        Assert.That(AssertRefused(refusal, StatusCode.FailedPrecondition, "TOOL_FAILED")["tool"], Is.EqualTo("qemu-nbd"));
        Assert.That(refusal!.Status.Detail, Does.Contain("cannot be read"));
        Assert.That(await OfThisAsync(), Is.Empty);
        Assert.That(File.Exists(scene.Record(_import)), Is.False);
        Assert.That(File.Exists(scene.ImageFile(Id)), Is.True, "the image is still there");
    }

    [Test]
    public async Task Store_ProgramKilled_IsWrittenAnew()
    {
        await using var scene = await SlowSceneAsync();
        using var call = scene.Begin(_import, Deadline);
        await StoreScene.BegunAsync(call, Deadline);
        Signals.Send("KILL", Program(scene)); // before it may go fast, and be done
        await FullSpeedAsync();

        Assert.That(await EndAsync(call), Is.Null);
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(Content(LargeBytes)));
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Store_ProgramKilledForTheLastTime_CanBeAskedForAgain()
    {
        await using var scene = await SlowSceneAsync("--Stores:Attempts", "1");
        using var call = scene.Begin(_import, Deadline);
        await StoreScene.BegunAsync(call, Deadline);
        Signals.Send("KILL", Program(scene)); // before it may go fast, and be done
        await FullSpeedAsync();

        AssertRefused(await EndAsync(call), StatusCode.Aborted, "TOOL_UNAVAILABLE");
        Assert.That(await OfThisAsync(), Is.Empty);
        await scene.StoreAsync(_import, Deadline);
        Assert.That(await scene.ExportAsync(Id), SameBytes.As(Content(LargeBytes)));
    }

    [Test]
    public async Task Store_DaemonKilled_IsWrittenAnewWhenItIsAskedForAgain()
    {
        await using var scene = await SlowSceneAsync();
        using var call = scene.Begin(_import, Deadline);
        await StoreScene.BegunAsync(call, Deadline);
        var programs = ProcessTree.Descendants(scene.Sidecar.ProcessId);
        await scene.Sidecar.KillAsync();
        await FullSpeedAsync();
        foreach (var program in programs)
        {
            Assert.That(() => Directory.Exists($"/proc/{program}"), Is.False.After(10_000, 20), "it dies with the daemon");
        }

        await scene.RestartAsync();
        Assert.That(scene.Sockets, Is.Empty);
        Assert.That((await scene.Sidecar.Imports.GetImportAsync(new GetImportRequest { ImportId = _import })).Result.Deferred, Is.True);
        await scene.StoreAsync(_import, Deadline);

        Assert.That(await scene.ExportAsync(Id), SameBytes.As(Content(LargeBytes)));
        Assert.That(await OfThisAsync(), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Discard_WhileItIsWritten_EndsTheProgramToo()
    {
        await using var scene = await SlowSceneAsync();
        using var call = scene.Begin(_import, Deadline);
        await StoreScene.BegunAsync(call, Deadline);
        var program = Program(scene);

        Assert.That(scene.Discard(_import).Discarded, Is.True);

        AssertRefused(await EndAsync(call), StatusCode.Cancelled, "STORE_DISCARDED");
        Assert.That(Directory.Exists($"/proc/{program}"), Is.False);
        Assert.That(scene.Sockets, Is.Empty);
        Assert.That(await OfThisAsync(), Is.Empty);
    }

    [Test]
    public async Task Store_OtherDigestsLater_AreOfTheDisk()
    {
        var raw = Disk(isText: false);
        await using var scene = await StoreScene.StartAsync(Ceph);
        await ImportAsync(scene, await ImageAsync(raw));
        await scene.StoreAsync(_import, Deadline);

        var request = new StoreOutputRequest { SourceId = _import, Store = StoreScene.Store, Target = scene.Target, Digests = { "sha256" } };
        using var call = scene.Stores.StoreOutput(request, cancellationToken: Deadline);
        var events = await call.ResponseStream.ReadAllAsync(Deadline).ToListAsync(Deadline);

        Assert.That(events[^1].Image.Digests["sha256"], Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(raw))));
    }

    [Test]
    public async Task Store_SeveralWhereThereIsMemoryForOne_DoNotWaitForEachOther()
    {
        // As much as a program and a writer take together.
        await using var scene = await StoreScene.StartAsync(Ceph, "--Import:MaxMemoryBytes", $"{(256 + 384) * MiB}");
        await ImportAsync(scene, await ImageAsync(Disk(isText: false)));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(number => StoreAsAsync(scene, $"{StoreScene.Store}-{number}")));
    }

    [Test]
    public async Task ReadImage_OfWhatIsNotMadeYet_IsRefused()
    {
        await using var scene = await StoreScene.StartAsync(Ceph);
        await ImportAsync(scene, await ImageAsync(Disk(isText: false)));

        var refusal = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(scene.Sidecar, Id, _import));

        Assert.That(AssertRefused(refusal, StatusCode.FailedPrecondition, "OUTPUT_DEFERRED")["import_id"], Is.EqualTo(_import));
    }

    /// <summary>To the same pool by another name of it: all are one image there, so that some of them only find it.</summary>
    private async Task StoreAsAsync(StoreScene scene, string store)
    {
        var request = new StoreOutputRequest { SourceId = _import, Store = store, Target = scene.Target, Digests = { "md5" } };
        using var call = scene.Stores.StoreOutput(request, cancellationToken: Deadline);
        Assert.That(await EndAsync(call), Is.Null);
    }

    private async Task<StoreScene> SlowSceneAsync(params string[] settings)
    {
        var scene = await StoreScene.StartAsync(Ceph, settings);
        await ImportAsync(scene, await ImageAsync(Content(LargeBytes)));
        await Ceph.LimitAsync(SlowBytes);
        return scene;
    }

    private async Task<ImportResult> ImportAsync(StoreScene scene, byte[] image, bool isDeferred = true)
    {
        await StageAsync(scene.Sidecar, Id, image);
        var request = new RunImportRequest { ImageId = Id, ImportId = _import, DeferConversion = isDeferred, Stages = { "image_conversion" } };
        using var call = scene.Sidecar.Imports.RunImport(request, cancellationToken: Deadline);
        return (await call.ResponseStream.ReadAllAsync(Deadline).LastAsync(Deadline)).Import.Result;
    }

    /// <summary>What reads the image, as deep as it is in what confines it.</summary>
    private static int Program(StoreScene scene) => ProcessTree.Descendants(scene.Sidecar.ProcessId)
        .Last(id => File.ReadAllText($"/proc/{id}/comm").Trim() == "qemu-nbd");

    private async Task<RpcException?> FailAsync(StoreScene scene)
    {
        using var call = scene.Begin(_import, Deadline);
        return await EndAsync(call);
    }

    /// <param name="kind">Format and options as qemu-img takes them.</param>
    private static Task<byte[]> ImageOfAsync(string kind, byte[] raw) =>
        kind.Split(' ') is [var format, .. var options] ? ImageAsync(raw, format, options) : throw new ArgumentException(kind);

    /// <summary>Data, nothing, data, and an end that no block has.</summary>
    private static byte[] Disk(bool isText)
    {
        var disk = new byte[DiskBytes];
        var data = isText ? Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 12 * MiB / 9).Select(i => $"{i:D8} "))) : Content(12 * MiB);
        data.AsSpan(0, 7 * MiB).CopyTo(disk.AsSpan(MiB / 2));
        // Half of a block is a hole, whose memory has had data of an earlier one.
        data.AsSpan(7 * MiB, 4 * MiB).CopyTo(disk.AsSpan(18 * MiB + (MiB / 2) + 12345));
        return disk;
    }
}
