using Microsoft.Win32.SafeHandles;
using NUnit.Framework;
using Sidecar.Staging.Hashing;

namespace Sidecar.Tests.Staging.Hashing;

[CancelAfter(60_000)]
internal sealed class CacheWindowTests
{
    private const int Mebibyte = 1 << 20;
    private const int Size = 300 * Mebibyte;
    private const int BlockBytes = 128 << 10;
    private const long Far = 64 * Mebibyte;

    private const long Window = 32 * Mebibyte; // with others open at the same time it is smaller

    private readonly CacheWindow _window = new(Window, Far);
    private readonly List<BackgroundHasher> _hashers = [];
    private readonly string _path = Path.GetTempFileName();
    private SafeFileHandle _file = null!;
    private long _received;

    private static CancellationToken Deadline => TestContext.CurrentContext.CancellationToken;

    [SetUp]
    public void Open()
    {
        _file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.SetLength(_file, Size);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        foreach (var hasher in _hashers) hasher.Abandon();
        foreach (var hasher in _hashers) await hasher.DisposeAsync();
        _window.Dispose();
        _file.Dispose();
        File.Delete(_path);
    }

    [TestCase(0, 32 * Mebibyte)]
    [TestCase(384L * Mebibyte, 32 * Mebibyte)]
    [TestCase(1536L * Mebibyte, 128 * Mebibyte)]
    [TestCase(1L << 40, 512 * Mebibyte)]
    public void SharedBytes_ArePartOfTheMemory_WithinBounds(long memory, long bytes) =>
        Assert.That(CacheWindow.SharedBytes(memory), Is.EqualTo(bytes));

    [TestCase(1, 32 * Mebibyte)]
    [TestCase(4, 8 * Mebibyte)]
    [TestCase(64, 4 * Mebibyte)]
    [TestCase(0, 32 * Mebibyte)]
    public void Bytes_OfMany_AreSharedDownToAFewChunks(int uploads, long bytes) =>
        Assert.That(CacheWindow.Bytes(Window, uploads), Is.EqualTo(bytes));

    [Test]
    public async Task Writer_FasterThanTheDigests_NeverGetsFurtherThanTheWindow()
    {
        Follow("md5", "sha512");
        var waits = 0;
        while (_received < Size)
        {
            Interlocked.Add(ref _received, Mebibyte);
            foreach (var hasher in _hashers) hasher.Advance();
            var wait = _window.WaitAsync(_received, Deadline);
            if (!wait.IsCompleted) waits++;
            await wait;
            Assert.That(_hashers.Select(hasher => _received - hasher.Offset), Is.All.LessThanOrEqualTo(Window));
        }

        Assert.That(waits, Is.Positive, "it is faster");
    }

    [Test]
    public async Task Followers_OfWhatIsThere_StayNearEachOther()
    {
        _received = Size;
        Follow("crc32c", "md5");
        var ended = _hashers[1].FinishAsync();
        var most = 0L;
        while (!ended.IsCompleted)
        {
            // In this order: the slow one may move between the two looks, which makes the distance seem smaller, never larger.
            var fast = _hashers[0].Offset;
            most = Math.Max(most, fast - _hashers[1].Offset);
            await Task.Yield();
        }

        Assert.That(most, Is.InRange(BlockBytes, Window + BlockBytes));
        Assert.That(await _hashers[0].FinishAsync(), Is.EqualTo("b8dbefe6"));
    }

    [Test]
    public async Task Wait_ForOneThatDoesNotMove_EndsWithItOrWithTheCaller()
    {
        Follow("md5");
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Deadline);
        var cancelled = _window.WaitAsync(Far, caller.Token).AsTask();
        var waiting = _window.WaitAsync(Far, Deadline).AsTask();
        Assert.That(_window.IsAhead(Far) && !cancelled.IsCompleted && !waiting.IsCompleted, Is.True);

        await caller.CancelAsync();
        Assert.That(async () => await cancelled, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(waiting.IsCompleted, Is.False);

        _hashers[0].Abandon();
        await waiting;
    }

    [Test]
    public void VeryFarBehind_IsNotWaitedFor()
    {
        Follow("md5");
        Assert.That(_window.WaitAsync(Far + 1, Deadline).AsTask().IsCompletedSuccessfully, Is.True);
        Assert.That(_window.WaitAsync(CacheWindow.Bytes(Window, int.MaxValue), Deadline).AsTask().IsCompletedSuccessfully, Is.True, "and near is near");
    }

    [Test]
    public async Task OneThatFailed_IsNotWaitedFor()
    {
        RandomAccess.SetLength(_file, 0);
        _received = Size;
        Follow("md5");
        await _window.WaitAsync(Far, Deadline);
        Assert.That(async () => await _hashers[0].FinishAsync(), Throws.InstanceOf<IOException>());
    }

    private void Follow(params string[] algorithms)
    {
        foreach (var name in algorithms)
        {
            _hashers.Add(new BackgroundHasher(name, _file, () => Interlocked.Read(ref _received), _window));
        }
    }
}
