using System.Buffers;
using Microsoft.Win32.SafeHandles;
using NUnit.Framework;
using Sidecar.Staging.Files;
using Sidecar.Staging.Hashing;
using Sidecar.Staging.Uploads;

namespace Sidecar.Tests.Staging.Hashing;

/// <summary>What uploads cost that wait for their senders, of which there may be many.</summary>
[NonParallelizable] // counts what the whole process allocates
internal sealed class WaitingUploadsTests
{
    private const int Count = 200;

    // A block has 128 KiB.
    private const int MostBytesOfOne = 48 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _path = Path.GetTempFileName();
    private SafeFileHandle _file = null!;

    [SetUp]
    public void Open()
    {
        _file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.Write(_file, [7], 0);
    }

    [TearDown]
    public void Close()
    {
        _file.Dispose();
        File.Delete(_path);
    }

    [Test]
    public async Task Hashers_ThatWaitForBytes_HoldNoBlock()
    {
        using var window = new CacheWindow(sharedBytes: 1, mostBytesBehind: 1);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var hashers = Enumerable.Range(0, Count).Select(_ => new BackgroundHasher("sha256", _file, () => 1, window)).ToList();
        Assert.That(SpinWait.SpinUntil(() => hashers.TrueForAll(hasher => hasher.Offset == 1), Patience), Is.True, "all have read the byte");
        Assert.That((GC.GetTotalAllocatedBytes(precise: true) - before) / Count, Is.LessThan(MostBytesOfOne), "bytes of each");

        var digests = await Task.WhenAll(hashers.Select(hasher => hasher.FinishAsync()));
        Assert.That(digests, Is.All.EqualTo("ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879"));
    }

    [Test]
    public void Writers_ThatWaitForBytes_HoldNoBlock()
    {
        var data = new ReadOnlySequence<byte>([7]);
        new BlockWriter(_file).Write(data, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var writers = Enumerable.Range(0, Count).Select(_ => new BlockWriter(_file)).ToList();
        foreach (var writer in writers) Assert.That(writer.Write(data, 0, Crc32C.Empty), Is.Not.EqualTo(Crc32C.Empty));
        Assert.That((GC.GetAllocatedBytesForCurrentThread() - before) / Count, Is.LessThan(MostBytesOfOne), "bytes of each");
    }
}
