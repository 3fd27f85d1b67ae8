using NUnit.Framework;
using Sidecar.Import.Disks;

namespace Sidecar.Tests.Import.Disks;

internal sealed class DiskMapTests
{
    private const int Block = DiskMap.BlockBytes;

    [Test]
    public void Append_AnyExtents_IsWhatBlockByBlockSays([Range(1, 40)] int seed)
    {
        var random = new Random(seed);
        var size = random.Next(1, 12 * Block);
        var isData = new bool[size];
        var map = new DiskMap(size);
        for (var at = 0; at < size;)
        {
            var length = random.Next(3) == 0 ? random.Next(1, 3 * Block) : random.Next(1, 20_000);
            var data = random.Next(2) == 0;
            isData.AsSpan(at, Math.Min(length, size - at)).Fill(data);
            map.Append(length, data);
            at += length;
        }

        Assert.That(map.Position, Is.EqualTo(size));
        Assert.That(map.Blocks(), Is.EqualTo(Blocks(isData)));
        var pages = isData.Chunk(4096).Count(page => page.Contains(true));
        Assert.That(map.DataBytes, Is.EqualTo(pages * 4096L));
    }

    [Test]
    public void Append_AHoleAsLargeAsNumbersGo_IsOneStep()
    {
        var map = new DiskMap(long.MaxValue);
        map.Append(long.MaxValue, isData: false);
        Assert.That((map.Position, map.Runs.Count, map.DataBytes), Is.EqualTo((long.MaxValue, 0, 0L)));
    }

    [Test]
    public void Append_MoreRunsThanItKeeps_ReadsTheRest()
    {
        const long Runs = 1_050_000;
        var map = new DiskMap(Runs * 2 * Block);
        for (var i = 0; i < Runs; i++)
        {
            map.Append(Block, isData: true);
            map.Append(Block, isData: false);
        }

        Assert.That(map.Runs, Has.Count.EqualTo(1 << 20));
        Assert.That(map.Runs[^1], Is.EqualTo(new DiskRun(((1L << 20) - 1) * 2 * Block, ((Runs * 2) - 1) * Block, IsSolid: false)));
        Assert.That(map.DataBytes, Is.EqualTo(Runs * Block));
    }

    private static IEnumerable<DiskRun> Blocks(bool[] isData) => isData.Chunk(Block)
        .Select((block, index) => (Block: block, Start: (long)index * Block))
        .Where(block => block.Block.Contains(true))
        .Select(block => new DiskRun(block.Start, block.Start + block.Block.Length, !block.Block.Contains(false)));
}
