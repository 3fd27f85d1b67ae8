using System.Diagnostics;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>Somebody who may write to the staging directory puts other things where images and records belong.</summary>
internal sealed class PlantedTests : SidecarTest
{
    private static readonly string[] Kinds = ["link", "fifo", "directory"];

    private readonly string _id = NewId();

    [TestCaseSource(nameof(Kinds))]
    public async Task Image_ThatWasReplaced_IsNeitherReadNorImportedAndCanBeDeleted(string kind)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        await StageAsync(sidecar, _id, Content(1000));
        var file = Path.Combine(directory.Staging, _id);
        Plant(file, kind, directory["secret"]);

        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => ReadAsync(sidecar, _id)), StatusCode.NotFound, "IMAGE_NOT_FOUND");
        AssertRefused(
            await Assert.ThrowsAsync<RpcException>(() => ImportAsync(sidecar)), StatusCode.NotFound, "IMAGE_GONE");
        var deleted = await sidecar.Staging.DeleteImageAsync(
            new DeleteImageRequest { ImageId = _id }, cancellationToken: Deadline);
        Assert.That(deleted.Existed, Is.True);
        Assert.That(Directory.EnumerateFileSystemEntries(directory.Staging, _id), Is.Empty);
        await StageAsync(sidecar, _id, Content(10));
    }

    [Test]
    public async Task Start_OverRecordsThatAreNone_ListsTheOthersAndCountsThem()
    {
        using var directory = TestDirectory.Create();
        await using (var first = await SidecarInstance.StartAsync(directory.Path))
        {
            await StageAsync(first, _id, Content(1000));
            await ImportAsync(first);
        }

        var places = Planted(directory).ToList();
        foreach (var (path, kind) in places) Plant(path, kind, directory["secret"]);
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        Assert.That(await CountAsync(sidecar.Staging.ListImages(new ListImagesRequest()).ResponseStream), Is.EqualTo(1));
        Assert.That(await CountAsync(sidecar.Imports.ListImports(new ListImportsRequest()).ResponseStream), Is.EqualTo(1));
        Assert.That(await CountAsync(sidecar.Staging.ListUploads(new ListUploadsRequest()).ResponseStream), Is.Zero);
        Assert.That(
            await MetricsPage.ReadAsync(sidecar, "glance_staging_damaged_records", Deadline), Is.EqualTo(places.Count));
        Assert.That(await ReadAsync(sidecar, _id), Is.EqualTo(Content(1000)));
    }

    private static IEnumerable<(string Path, string Kind)> Planted(TestDirectory directory)
    {
        foreach (var kind in (string[])["link", "fifo", "directory", "object"])
        {
            var records = Path.Combine(directory.Staging, ".sidecar");
            yield return (Path.Combine(records, "images", NewId() + ".json"), kind);
            yield return (Path.Combine(records, "uploads", NewId(), "upload.json"), kind);
            yield return (Path.Combine(records, "imports", NewId(), "import.json"), kind);
            yield return (Path.Combine(records, "outputs", NewId(), "output.json"), kind);
            yield return (Path.Combine(records, "tombstones", NewId()), kind);
        }
    }

    private static void Plant(string path, string kind, string secret)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path);
        File.WriteAllText(secret, new string('s', 1000));
        switch (kind)
        {
            case "directory":
                Directory.CreateDirectory(Path.Combine(path, "sub"));
                break;
            case "object":
                File.WriteAllText(path, "{}");
                break;
            case "fifo":
                MakeFifo(path);
                break;
            default:
                File.CreateSymbolicLink(path, secret);
                break;
        }
    }

    private static void MakeFifo(string path)
    {
        using var make = Process.Start("mkfifo", [path]);
        make.WaitForExit();
    }

    private async Task ImportAsync(SidecarInstance sidecar)
    {
        var request = new RunImportRequest { ImageId = _id, DiskFormat = "raw" };
        using var call = sidecar.Imports.RunImport(request, cancellationToken: Deadline);
        while (await call.ResponseStream.MoveNext(Deadline))
        {
            // Only its end matters.
        }
    }

    private static async Task<int> CountAsync<T>(IAsyncStreamReader<T> stream)
    {
        var count = 0;
        while (await stream.MoveNext(Deadline)) count++;
        return count;
    }
}
