using NUnit.Framework;
using Sidecar.Hosting.Listening;

namespace Sidecar.Tests.Hosting;

internal sealed class LargeBlockPoolTests
{
    [Test]
    public void Rent_OfMoreThanMayBeLent_IsSmall_UntilOneComesBack()
    {
        using var pool = new LargeBlockPool(mostLent: 2);
        using var first = pool.Rent(4096);
        var second = pool.Rent(4096);
        using var third = pool.Rent(4096);
        Assert.That(
            (first.Memory.Length, second.Memory.Length, third.Memory.Length),
            Is.EqualTo((LargeBlockPool.BlockBytes, LargeBlockPool.BlockBytes, LargeBlockPool.SmallBlockBytes)));
        second.Dispose();
        second.Dispose(); // counts once
        Assert.That(pool.Lent, Is.EqualTo(1));
        using var fourth = pool.Rent(4096);
        Assert.That(fourth.Memory.Length, Is.EqualTo(LargeBlockPool.BlockBytes));
    }

    [Test]
    public void Rent_OfMoreThanASmallBlockHas_IsLargeAlways()
    {
        using var pool = new LargeBlockPool(mostLent: 0);
        using var block = pool.Rent(LargeBlockPool.SmallBlockBytes + 1);
        Assert.That(block.Memory.Length, Is.EqualTo(LargeBlockPool.BlockBytes));
    }

    [Test]
    public void Trim_ForgetsWhatNobodyNeededSinceTheLastOne_AndNoMore()
    {
        using var pool = new LargeBlockPool(mostLent: 10);
        var burst = Enumerable.Range(0, 10).Select(_ => pool.Rent()).ToList();
        foreach (var block in burst) block.Dispose();
        pool.Trim(); // all were in use since the start
        using (pool.Rent())
        using (pool.Rent())
        {
        }

        Assert.That(pool.Idle, Is.EqualTo(10));
        pool.Trim();
        Assert.That(pool.Idle, Is.EqualTo(2));
        pool.Trim();
        Assert.That(pool.Idle, Is.Zero);
    }
}
