using NUnit.Framework;
using Sidecar.Import.Processes.Limits;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import.Processes;

internal sealed class ChildMemoryTests
{
    [Test]
    [CancelAfter(60_000)]
    public async Task Take_MoreThanIsLeft_WaitsInOrder(CancellationToken cancellationToken)
    {
        var memory = new ChildMemory(100);
        var first = await memory.TakeAsync(60, cancellationToken);
        var large = memory.TakeAsync(80, cancellationToken);
        var small = memory.TakeAsync(10, cancellationToken);
        Assert.That((large.IsCompleted, small.IsCompleted), Is.EqualTo((false, false)));

        first.Dispose();
        first.Dispose(); // gives back once only
        await large;
        await small;

        var more = memory.TakeAsync(11, cancellationToken);
        Assert.That(more.IsCompleted, Is.False);
        (await large).Dispose();
        await more;
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Take_MoreThanThereIs_TakesAll(CancellationToken cancellationToken)
    {
        var memory = new ChildMemory(100);

        using var all = await memory.TakeAsync(1000, cancellationToken);

        Assert.That(memory.TakeAsync(1, cancellationToken).IsCompleted, Is.False);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Take_CancelledWhileItWaits_LetsTheNextGo(CancellationToken cancellationToken)
    {
        var memory = new ChildMemory(100);
        using var first = await memory.TakeAsync(60, cancellationToken);
        using var cancel = new CancellationTokenSource();
        var large = memory.TakeAsync(80, cancel.Token);
        var small = memory.TakeAsync(40, cancellationToken);

        await cancel.CancelAsync();

        Assert.That(async () => await large, Throws.InstanceOf<OperationCanceledException>());
        await small;
    }

    [TestCase("0::/pod/box", "sys/fs/cgroup/pod/memory.max", "1000000", 1_000_000)]
    [TestCase("0::/", "sys/fs/cgroup/memory.max", "1000000", 1_000_000)]
    [TestCase("0::/elsewhere", "sys/fs/cgroup/memory.max", "1000000", 1_000_000)]
    [TestCase("0::/pod", "sys/fs/cgroup/pod/memory.max", "max", 4096 << 10)]
    [TestCase("5:cpu:/x\n4:memory:/pod", "sys/fs/cgroup/memory/pod/memory.limit_in_bytes", "1000000", 1_000_000)]
    [TestCase("4:memory:/pod", "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712", 4096 << 10)]
    public void ReadLimit_OfACgroup_IsTheLeast(string own, string file, string limit, long expected)
    {
        using var root = new TempDirectory();
        foreach (var (path, text) in ((string, string)[])[("proc/self/cgroup", own + "\n"), ("proc/meminfo", "MemTotal:  4096 kB\n"), (file, limit + "\n")])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(root[path])!);
            File.WriteAllText(root[path], text);
        }

        Assert.That(MachineMemory.ReadLimit(root.Path), Is.EqualTo(expected));
    }
}
