using System.Diagnostics;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>What all tests with a real Ceph of one node share: the cluster itself too, as its start takes longer than most tests.</summary>
[Category("Ceph")]
internal abstract class CephTest : ClusterTest
{
    protected const int MiB = 1 << 20;

    /// <summary>Files of the tests.</summary>
    protected static TestDirectory Place => SharedCeph.Place;

    protected static CephCluster Ceph => SharedCeph.Cluster;

    /// <summary>The image of the test.</summary>
    protected string Id { get; } = NewId();

    [OneTimeSetUp]
    public static Task StartCephAsync() => SharedCeph.StartAsync();

    /// <summary>Has the cluster answer again, as fast as it can.</summary>
    [TearDown]
    public static Task FullSpeedAsync()
    {
        Ceph.Freeze(false);
        return Ceph.LimitAsync(0);
    }

    /// <summary>What the pool has of the test's image: itself, and parts.</summary>
    protected async Task<string[]> OfThisAsync() =>
        [.. (await Ceph.ImagesAsync()).Where(name => name.StartsWith(Id, StringComparison.Ordinal))];

    /// <summary>Why it failed; null when it succeeded.</summary>
    protected static Task<RpcException?> EndAsync(AsyncServerStreamingCall<StoreOutputEvent> call) => StoreScene.EndAsync(call, Deadline);

    /// <summary>A disk as an image of another format.</summary>
    protected static async Task<byte[]> ImageAsync(byte[] raw, string format = "qcow2", params string[] options)
    {
        await File.WriteAllBytesAsync(Place["raw"], raw, Deadline);
        await ConvertAsync(["-f", "raw", "-O", format, .. options, Place["raw"], Place["image"]]);
        return await File.ReadAllBytesAsync(Place["image"], Deadline);
    }

    protected static async Task ConvertAsync(string[] arguments)
    {
        using var process = Process.Start("qemu-img", ["convert", .. arguments]);
        await process.WaitForExitAsync(Deadline);
        Assert.That(process.ExitCode, Is.Zero, string.Join(' ', arguments));
    }
}
