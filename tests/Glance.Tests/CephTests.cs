using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests;

/// <summary>A one-node Ceph as the default store: what most clouds have. Alone by <c>eng/test-glance --ceph</c>.</summary>
[Category("Ceph")]
[Parallelizable(ParallelScope.Self)]
internal sealed class CephTests : GlanceTest
{
    private const int MiB = 1 << 20;

    private static readonly Lazy<Task<Site>> Started =
        new(() => Site.StartAsync(SiteOptions.Chosen with { WithCeph = true, WithS3 = true }));

    protected override Task<Site> SiteAsync() => Started.Value;

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (Started.IsValueCreated) await (await Started.Value).DisposeAsync();
    }

    [Test]
    public async Task GzippedQcow2_EveryStepOnAnotherPod_IsRawInThePool()
    {
        var disk = Disk.Create(Site, 16 * MiB);
        var id = await StagedAsync(0, "qcow2", Disk.Gzip(await disk.AsAsync("qcow2")));

        await ImportedAsync(1, id);

        await AssertBytesAsync(2, id, disk.Raw);
        Assert.That(await Site.Ceph!.RbdAsync("image-meta", "list", id), Does.Contain("glance.sidecar.source"), "the sidecar wrote it");
        using var user = Site.At(2);
        var image = await user.GetAsync(id);
        Assert.That(image.Checksum, Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(disk.Raw))));
        Assert.That(image.HashValue, Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(disk.Raw))));
        Assert.That((image.Size, image.VirtualSize), Is.EqualTo((disk.Raw.LongLength, disk.Raw.LongLength)));
        var export = Path.Combine(Site.Scratch("ceph"), id);
        await Site.Ceph.RbdAsync("export", id, export);
        Assert.That(await File.ReadAllBytesAsync(export), SameBytes.As(disk.Raw));
        File.Delete(export);
        await DeleteAsync(2, id);
        Assert.That(await Site.Ceph.ImagesAsync(), Does.Not.Contain(id));
    }

    [TestCase("qcow2", 0)]
    [TestCase("qcow2", 1)]
    [TestCase("raw", 1)]
    [TestCase("vmdk", 0)]
    public async Task Disk_IsInThePoolWithNoFileMadeForIt(string format, int importer)
    {
        var disk = Disk.Create(Site, 16 * MiB);
        var id = await StagedAsync(0, format, await disk.AsAsync(format));

        await ImportedAsync(importer, id);

        await AssertBytesAsync(2, id, disk.Raw);
        Assert.That(Site[importer].Log, Has.Some.Contains($"wrote image {id} to its stores, with no file of it"));
        using var user = Site.At(2);
        var image = await user.GetAsync(id);
        Assert.That(image.Checksum, Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(disk.Raw))));
        Assert.That(image.HashValue, Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(disk.Raw))));
        Assert.That((image.Size, image.VirtualSize), Is.EqualTo((disk.Raw.LongLength, disk.Raw.LongLength)));
        Assert.That(Stubs(importer), Is.Empty);
        await DeleteAsync(2, id);
        Assert.That(await Site.Ceph!.ImagesAsync(), Does.Not.Contain(id));
    }

    [Test]
    public async Task Disk_ThatTurnsOutToBeDamaged_IsRefusedAndLeavesNothing()
    {
        var disk = Disk.Create(Site, 16 * MiB);
        var broken = await disk.AsAsync("qcow2");
        // The mapping of the last cluster leads to where no cluster is, which shows when it is read.
        DamageLastCluster(broken);
        var id = await StagedAsync(0, "qcow2", broken);
        using var user = Site.At(0);
        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);

        Assert.That(await FailureAsync(0, id), Does.Contain("TOOL_FAILED"));

        await EndedAsync(2, id, "queued");
        Assert.That((await Site.Ceph!.ImagesAsync()).Where(name => name.StartsWith(id, StringComparison.Ordinal)), Is.Empty);
        Assert.That(Stubs(0), Is.Empty);
        var image = await user.GetAsync(id);
        Assert.That((image.Checksum, image.HashValue), Is.EqualTo(((string?)null, (string?)null)));
    }

    [Test]
    public async Task KilledWhileADiskIsWritten_LeavesNothingAndCanBeImportedAgain()
    {
        var disk = Disk.Create(Site, 256 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(0);
        await Site.Ceph!.LimitAsync(16 * MiB);
        try
        {
            AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
            await Until.RightAsync(Site.Ceph.ImagesAsync, images => images.Any(name => name.StartsWith(id, StringComparison.Ordinal)));
            Command.Signal("STOP", Site[0].Worker);
            await Site[0].KillAsync();
            await Site[0].StartAsync();
        }
        finally
        {
            await Site.Ceph.LimitAsync(0);
        }

        await EndedAsync(2, id, "uploading");
        Assert.That((await Site.Ceph.ImagesAsync()).Where(name => name.StartsWith(id, StringComparison.Ordinal)), Is.Empty);
        await ImportedAsync(0, id);
        await AssertBytesAsync(2, id, disk.Raw);
    }

    [Test]
    public async Task OwnerDrainedWhileADiskIsWritten_ItIsImportedFromWhereTheImageWent()
    {
        var disk = Disk.Create(Site, 256 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));
        using var user = Site.At(1);
        await Site.Ceph!.LimitAsync(16 * MiB);
        try
        {
            AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
            await Until.RightAsync(Site.Ceph.ImagesAsync, images => images.Any(name => name.StartsWith(id, StringComparison.Ordinal)));
            await Site.DrainAsync(0);
        }
        finally
        {
            await Site.Ceph.LimitAsync(0);
        }

        await EndedAsync(2, id, "active");
        await AssertBytesAsync(2, id, disk.Raw);
        Assert.That((await Site.Ceph.ImagesAsync()).Where(name => name.StartsWith(id, StringComparison.Ordinal)), Is.EqualTo(new[] { id }));
    }

    [Test]
    public async Task CephAndFiles_BothGetTheImage()
    {
        var bytes = Noise(3 * MiB);
        var id = await StagedAsync(0, "raw", bytes);

        await ImportedAsync(1, id, new ImportTargets { Stores = [Site.Rbd, Site.Slow] });

        Assert.That(await File.ReadAllBytesAsync(Path.Combine(Site.Store(Site.Slow), id)), SameBytes.As(bytes));
        await AssertBytesAsync(2, id, bytes);
    }

    [Test]
    public async Task Bucket_GzippedQcow2EveryStepOnAnotherPod_IsRawInIt()
    {
        var disk = Disk.Create(Site, 48 * MiB);
        var id = await StagedAsync(0, "qcow2", Disk.Gzip(await disk.AsAsync("qcow2")));

        await ImportedAsync(1, id, new ImportTargets { Stores = [Site.S3] });

        await AssertBytesAsync(2, id, disk.Raw);
        Assert.That(await Site.Bucket.VersionAsync(id), Does.Contain("glance-sidecar-source"), "the sidecar wrote it");
        Assert.That(await Site.Bucket.GetAsync(id), SameBytes.As(disk.Raw));
        using var user = Site.At(2);
        var image = await user.GetAsync(id);
        Assert.That(image.Checksum, Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(disk.Raw))));
        Assert.That(image.HashValue, Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(disk.Raw))));
        await DeleteAsync(2, id);
        Assert.That(await Site.Bucket.ListAsync(id), Is.Empty);
    }

    [Test]
    public async Task PoolAndBucket_OfOneImport_BothGetTheDisk()
    {
        var disk = Disk.Create(Site, 20 * MiB);
        var id = await StagedAsync(0, "qcow2", await disk.AsAsync("qcow2"));

        await ImportedAsync(1, id, new ImportTargets { Stores = [Site.Rbd, Site.S3] });

        Assert.That(await Site.Bucket.GetAsync(id), SameBytes.As(disk.Raw));
        var export = Path.Combine(Site.Scratch("ceph"), id);
        await Site.Ceph!.RbdAsync("export", id, export);
        Assert.That(await File.ReadAllBytesAsync(export), SameBytes.As(disk.Raw));
        File.Delete(export);
        await DeleteAsync(2, id);
        Assert.That(await Site.Bucket.ListAsync(id), Is.Empty);
    }

    [Test, CancelAfter(600_000), Explicit("It takes minutes on a small machine.")]
    public async Task Bucket_DiskAboveFiveGiB_IsInItThoughGlanceCouldNot()
    {
        const long gib = 1L << 30;
        var path = Path.Combine(Site.Scratch("large"), "disk.qcow2");
        await Command.RunAsync(["qemu-img", "create", "-q", "-f", "qcow2", path, $"{(5 * gib) + (64 * MiB)}"]);
        await Command.RunAsync(["qemu-io", "-f", "qcow2", "-c", "write -q -P 171 100M 3M", path]);
        var id = await StagedAsync(0, "qcow2", await File.ReadAllBytesAsync(path));
        using var user = Site.At(0);
        AssertStatus(await user.ImportAsync(id, new ImportTargets { Stores = [Site.S3] }), HttpStatusCode.Accepted);

        var image = await Until.RightAsync(() => user.GetAsync(id), image => image.Status == "active", TimeSpan.FromMinutes(8));

        Assert.That(image.Size, Is.EqualTo((5 * gib) + (64 * MiB)));
        Assert.That(await Site.Bucket.VersionAsync(id), Does.Contain(ETag(parts: (5 * 64) + 4)), "made of the parts by the server");
    }

    // As an S3 server makes it: of the MD5 of each part of 16 MiB; all are zeros but some bytes of one.
    private static string ETag(int parts)
    {
        var part = new byte[16 * MiB];
        var zeros = MD5.HashData(part);
        part.AsSpan(4 * MiB, 3 * MiB).Fill(171);
        var data = MD5.HashData(part);
        byte[] all = [.. Enumerable.Range(0, parts).SelectMany(number => number == 6 ? data : zeros)];
        return string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexStringLower(MD5.HashData(all))}-{parts}");
    }

    [Test]
    public async Task Bucket_GlanceKilledWhileItIsWritten_HasNothingAndCanBeImportedAgain()
    {
        var bytes = Noise(64 * MiB);
        var id = await StagedAsync(0, "raw", bytes);
        var targets = new ImportTargets { Stores = [Site.S3] };
        using var user = Site.At(0);
        Site.Gateway!.Freeze();
        AssertStatus(await user.ImportAsync(id, targets), HttpStatusCode.Accepted);
        var records = Path.Combine(Site.Staging(0), ".sidecar", "stores");
        await Until.TrueAsync(() => Directory.Exists(records) && Directory.EnumerateFiles(records, $"*.{Site.S3}.json").Any());
        Command.Signal("STOP", Site[0].Worker);
        await Site[0].KillAsync();
        Site.Gateway.Freeze(false);
        await Site[0].StartAsync();

        await EndedAsync(2, id, "uploading");
        Assert.That(await Site.Bucket.ListAsync(id), Is.Empty);
        await ImportedAsync(2, id, targets);
        await AssertBytesAsync(0, id, bytes);
    }

    [Test]
    public async Task KilledInTheStoreUpload_LeavesNoPartAndCanBeImportedAgain([Values(0, 1)] int importer)
    {
        var bytes = Noise(256 * MiB);
        var id = await StagedAsync(0, "raw", bytes);
        using var user = Site.At(importer);
        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);
        // Under the name of a part, as long as it is not whole.
        await Until.RightAsync(Site.Ceph!.ImagesAsync, images => images.Any(name => name.StartsWith(id, StringComparison.Ordinal)));
        Command.Signal("STOP", Site[importer].Worker);
        await Site[importer].KillAsync();
        await Site[importer].StartAsync();

        await EndedAsync(2, id, "uploading");
        Assert.That(
            (await Site.Ceph.ImagesAsync()).Where(name => name.StartsWith(id, StringComparison.Ordinal)), Is.Empty, "the part in the pool");
        await ImportedAsync(2, id);
        await AssertBytesAsync(0, id, bytes);
    }

    private string[] Stubs(int pod)
    {
        var directory = Path.Combine(Site.Staging(pod), ".glance", "stubs");
        return Directory.Exists(directory) ? Directory.GetFiles(directory) : [];
    }

    // Of qcow2 by its layout: the last entry that is used of the first table of the second level.
    private static void DamageLastCluster(byte[] image)
    {
        var first = (int)BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan(40));
        var second = (int)(BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan(first)) & 0x00ff_ffff_ffff_fe00);
        var last = Enumerable.Range(0, 8192).Last(entry => BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan(second + (entry * 8))) != 0);
        BinaryPrimitives.WriteUInt64BigEndian(image.AsSpan(second + (last * 8)), 0x8000_0000_0000_0200);
    }
}
