using System.Security.Cryptography;
using NUnit.Framework;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Hashing;

namespace Sidecar.Tests.Staging.Hashing;

[CancelAfter(60_000)]
internal sealed class DigestQueueTests
{
    private const int Blocks = 3;
    private const int BlockBytes = 512 << 10;

    private static CancellationToken Deadline => TestContext.CurrentContext.CancellationToken;

    [TestCase(0, long.MaxValue, 0)]
    [TestCase(1, long.MaxValue, 1)]
    [TestCase((20 * BlockBytes) + 7, long.MaxValue, (20 * BlockBytes) + 7)]
    [TestCase(20 * BlockBytes, (7 * BlockBytes) + 5, (7 * BlockBytes) + 5)]
    [TestCase(20 * BlockBytes, 20 * BlockBytes, 20 * BlockBytes)]
    public async Task Pass_OverAFile_HasEachDigestOfIt(int size, long most, int read)
    {
        var content = new byte[size];
        new Random(size).NextBytes(content);
        var path = Path.GetTempFileName();
        await File.WriteAllBytesAsync(path, content, Deadline);
        string[] names = ["md5", "sha512", "crc32c"];
        var digests = names.Select(DigestAlgorithms.Start).ToList();
        var last = 0L;
        using (var file = File.OpenHandle(path))
        {
            Assert.That(await DigestPass.ReadAsync(file, most, digests, done => last = done, Deadline), Is.EqualTo(read));
        }

        File.Delete(path);
        Assert.That(last, Is.EqualTo(read), "reported");
        var had = content[..read];
        Assert.That(digests.Select(digest => Convert.ToHexStringLower(digest.Finish())), Is.EqualTo((string[])
        [
            Convert.ToHexStringLower(MD5.HashData(had)), Convert.ToHexStringLower(SHA512.HashData(had)),
            Crc32C.ToHex(Crc32C.Append(Crc32C.Empty, had)),
        ]));
        digests.ForEach(digest => digest.Dispose());
    }

    [Test]
    public async Task Fast_IsAsFarAheadAsThereAreBlocks_AndNoFurther()
    {
        using var slow = new GatedDigest();
        using var fast = new GatedDigest();
        fast.Gate.Set();
        using var queue = new DigestQueue([slow, fast], Blocks);
        for (var block = 0; block < Blocks; block++)
        {
            await queue.NextAsync(Deadline);
            queue.HandOver(BlockBytes);
        }

        var next = queue.NextAsync(Deadline);
        fast.Has(Blocks * BlockBytes, Deadline);
        Assert.That(next.IsCompleted, Is.False, "the slow one has all of them");

        slow.Gate.Set();
        await next;
        queue.HandOver(1);
        await queue.CompleteAsync();
        Assert.That(slow.Count, Is.EqualTo((Blocks * BlockBytes) + 1));
    }

    [Test]
    public async Task Appended_IsTheCallersAgain_AndZerosAreZeros()
    {
        using var digest = new GatedDigest();
        using var queue = new DigestQueue([digest], Blocks);
        byte[] bytes = [1, 2, 3];
        queue.Append(bytes);
        bytes[0] = 9;
        Assert.That(queue.AppendZeros(2), Is.EqualTo(2));
        digest.Gate.Set();
        Assert.That(queue.AppendZeros(long.MaxValue), Is.EqualTo(BlockBytes));
        await queue.CompleteAsync();
        Assert.That(digest.First(5), Is.EqualTo((byte[])[1, 2, 3, 0, 0]));
        Assert.That(digest.Count, Is.EqualTo(5 + BlockBytes));
    }

    [Test]
    public void OneThatFails_HoldsUpNobody_AndShowsAtTheEnd()
    {
        using var broken = new GatedDigest { Failure = new CryptographicException("no") };
        using var well = new GatedDigest();
        well.Gate.Set();
        using var queue = new DigestQueue([broken, well], Blocks);
        queue.Append(new byte[20 * BlockBytes]);
        Assert.That(
            async () => await queue.CompleteAsync(), Throws.InvalidOperationException.With.InnerException.SameAs(broken.Failure));
        Assert.That(well.Count, Is.EqualTo(20 * BlockBytes));
    }

    /// <summary>Computes nothing until it may, and keeps what it was given.</summary>
    private sealed class GatedDigest : RunningDigest
    {
        private readonly MemoryStream _bytes = new();

        public ManualResetEventSlim Gate { get; } = new();

        public Exception? Failure { get; init; }

        public long Count
        {
            get
            {
                lock (_bytes) return _bytes.Length;
            }
        }

        public override void Append(ReadOnlySpan<byte> bytes)
        {
            if (Failure is not null) throw Failure;
            Gate.Wait();
            lock (_bytes)
            {
                _bytes.Write(bytes);
                Monitor.PulseAll(_bytes);
            }
        }

        /// <summary>Waits until it was given so many.</summary>
        public void Has(long count, CancellationToken deadline)
        {
            using var late = deadline.Register(() =>
            {
                lock (_bytes) Monitor.PulseAll(_bytes);
            });
            lock (_bytes)
            {
                while (_bytes.Length < count)
                {
                    deadline.ThrowIfCancellationRequested();
                    Monitor.Wait(_bytes);
                }
            }
        }

        public byte[] First(int count) => _bytes.ToArray()[..count];

        public override byte[] Finish() => [];

        public override void Dispose()
        {
            Gate.Dispose();
            _bytes.Dispose();
        }
    }
}
