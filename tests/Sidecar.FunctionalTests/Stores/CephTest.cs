using System.Diagnostics;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>
/// What all tests with a real Ceph of one node share. Each fixture starts one of its own; it is one after another, as they share
/// where it is.
/// </summary>
[Category("Ceph")]
internal abstract class CephTest : ClusterTest
{
    protected const int MiB = 1 << 20;

    private static TestDirectory? _place;
    private static CephCluster? _ceph;

    /// <summary>Files of the fixture.</summary>
    protected static TestDirectory Place => _place!;

    protected static CephCluster Ceph => _ceph!;

    /// <summary>The image of the test.</summary>
    protected string Id { get; } = NewId();

    [OneTimeSetUp]
    public static async Task StartCephAsync()
    {
        _place = TestDirectory.Create();
        _ceph = await CephCluster.StartAsync(_place["ceph"]);
    }

    [OneTimeTearDown]
    public static async Task StopCephAsync()
    {
        if (_ceph is not null) await _ceph.DisposeAsync();
        _place?.Dispose();
    }

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
