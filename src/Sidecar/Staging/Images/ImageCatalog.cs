using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Images;

/// <summary>
/// The table of staged images, in memory and as one record a file under <c>.sidecar/images</c>. An image is staged
/// when its record <em>and</em> its file are there: a commit writes the record first and then renames the file into
/// place, a delete removes the file first and then the record, so the file is what decides after a crash.
/// </summary>
internal sealed class ImageCatalog(StagingLayout layout)
{
    private readonly ConcurrentDictionary<ImageId, StagedImage> _images = new();

    // The same images by age, for those who look every few seconds and want the oldest only. Both change under its lock, so
    // that an Add and a Remove of one image leave them alike; readers of _images alone need no lock.
    private readonly SortedSet<StagedImage> _byAge = new(Comparer<StagedImage>.Create(CompareAge));
    private long _bytes;

    public int Count => _images.Count;

    public long Bytes => Interlocked.Read(ref _bytes);

    public bool TryGet(ImageId id, [NotNullWhen(true)] out StagedImage? image) => _images.TryGetValue(id, out image);

    public StagedImage? Oldest
    {
        get
        {
            lock (_byAge) return _byAge.Min;
        }
    }

    /// <summary>All of them, oldest commit first.</summary>
    public IReadOnlyList<StagedImage> List() => ListOldest(int.MaxValue);

    public IReadOnlyList<StagedImage> ListOldest(int most)
    {
        lock (_byAge) return [.. _byAge.Take(most)];
    }

    /// <summary>Makes the record durable. The image does not show until <see cref="Add"/>.</summary>
    public void WriteRecord(StagedImage image) => DurableFiles.Replace(
        layout.ImageRecord(image.Id), JsonSerializer.SerializeToUtf8Bytes(image, StagingJson.Default.StagedImage));

    /// <exception cref="InvalidDataException">What is there is no record of this image.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static StagedImage ReadRecord(string path) =>
        RecordFile.Read(path, StagingJson.Default.StagedImage, image => Flaw(image, path));

    /// <summary>
    /// Fills the empty table with what was found at the start. At once, as a tree that grows node by node keeps the garbage
    /// collector busier than all the rest of a start with very many.
    /// </summary>
    public void Load(IReadOnlyCollection<StagedImage> images)
    {
        lock (_byAge)
        {
            _byAge.UnionWith(new SortedSet<StagedImage>(images, _byAge.Comparer));
            foreach (var image in _byAge)
            {
                _images[image.Id] = image;
                _bytes += image.Size;
            }
        }
    }

    public void Add(StagedImage image)
    {
        lock (_byAge)
        {
            if (!_images.TryAdd(image.Id, image)) return;
            _byAge.Add(image);
            Interlocked.Add(ref _bytes, image.Size);
        }
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
        Forget(image);
        var freed = DurableFiles.Delete(layout.ImageFile(image.Id));
        Posix.SyncDirectory(layout.Directory);
        DurableFiles.Delete(layout.ImageRecord(image.Id));
        return freed;
    }

    private void Forget(StagedImage image)
    {
        lock (_byAge)
        {
            if (!_images.TryRemove(image.Id, out var listed)) return;
            _byAge.Remove(listed);
            Interlocked.Add(ref _bytes, -listed.Size);
        }
    }

    private static int CompareAge(StagedImage one, StagedImage other) =>
        one.CommittedAt.CompareTo(other.CommittedAt) is not 0 and var order
            ? order : string.CompareOrdinal(one.Id.ToString(), other.Id.ToString());
}
