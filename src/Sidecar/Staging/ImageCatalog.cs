using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Sidecar.Staging;

/// <summary>
/// The table of staged images, in memory and as one record a file under <c>.sidecar/images</c>. An image is staged
/// when its record <em>and</em> its file are there: a commit writes the record first and then renames the file into
/// place, a delete removes the file first and then the record, so the file is what decides after a crash.
/// </summary>
internal sealed class ImageCatalog(StagingLayout layout)
{
    private readonly ConcurrentDictionary<ImageId, StagedImage> _images = new();
    private long _bytes;

    public int Count => _images.Count;

    public long Bytes => Interlocked.Read(ref _bytes);

    public bool TryGet(ImageId id, [NotNullWhen(true)] out StagedImage? image) => _images.TryGetValue(id, out image);

    /// <summary>All of them, oldest commit first.</summary>
    public IReadOnlyList<StagedImage> List() =>
        [.. _images.Values.OrderBy(image => image.CommittedAt).ThenBy(image => image.Id.ToString())];

    /// <summary>Makes the record durable. The image does not show until <see cref="Add"/>.</summary>
    public void WriteRecord(StagedImage image) => DurableFiles.Replace(
        layout.ImageRecord(image.Id), JsonSerializer.SerializeToUtf8Bytes(image, StagingJson.Default.StagedImage));

    /// <exception cref="InvalidDataException">What is there is no record of this image.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static StagedImage ReadRecord(string path) =>
        RecordFile.Read(path, StagingJson.Default.StagedImage, image => Flaw(image, path));

    public void Add(StagedImage image)
    {
        if (_images.TryAdd(image.Id, image)) Interlocked.Add(ref _bytes, image.Size);
    }

    private static string? Flaw(StagedImage image, string path)
    {
        if (Path.GetFileName(path) != image.Id + ".json") return $"it is of image {image.Id}";
        if (image.Size < 0) return $"its size is {image.Size}";
        if (!Enum.IsDefined(image.Origin)) return $"its origin is {(int)image.Origin}";
        if (!image.Digests.ContainsKey(Crc32C.Name)) return "it has no crc32c";
        return image.Digests.Values.Contains(null) ? "one of its digests is null" : null;
    }

    /// <summary>Removes the image's file and record, durably. Answers the bytes freed.</summary>
    public long Remove(StagedImage image)
    {
        if (_images.TryRemove(image.Id, out _)) Interlocked.Add(ref _bytes, -image.Size);
        var freed = DurableFiles.Delete(layout.ImageFile(image.Id));
        Posix.SyncDirectory(layout.Directory);
        DurableFiles.Delete(layout.ImageRecord(image.Id));
        return freed;
    }
}
