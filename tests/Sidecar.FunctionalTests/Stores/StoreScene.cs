using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>One pod, and a store that its images are written to.</summary>
internal sealed class StoreScene(
    StoreTarget target, CephCluster? ceph, TestDirectory directory, SidecarInstance sidecar, Mount? volume = null) : IAsyncDisposable
{
    public const string Store = "ceph";

    /// <summary>Small objects, so that a small image has many.</summary>
    public const uint Order = 20;

    /// <summary>Of a scene with a pool.</summary>
    public CephCluster Ceph => ceph!;

    public SidecarInstance Sidecar { get; private set; } = sidecar;

    public Glance.Sidecar.V1.Stores.StoresClient Stores => new(Sidecar.Channel);

    /// <summary>The caller's own copy.</summary>
    public StoreTarget Target => target.Clone();

    /// <summary>The staging directory.</summary>
    public string Staging => directory.Staging;

    public static Task<StoreScene> StartAsync(CephCluster ceph, params string[] settings) => StartAsync(PoolOf(ceph), ceph, settings);

    public static async Task<StoreScene> StartAsync(StoreTarget target, CephCluster? ceph, params string[] settings)
    {
        var directory = TestDirectory.Create();
        return new StoreScene(target, ceph, directory, await SidecarInstance.StartAsync(directory.Path, settings));
    }

    /// <summary>On a staging volume of so many bytes.</summary>
    public static async Task<StoreScene> StartAsync(CephCluster ceph, long volumeBytes, params string[] settings)
    {
        var directory = TestDirectory.Create();
        Directory.CreateDirectory(directory.Staging);
        var volume = Mount.OfSize(directory.Staging, volumeBytes);
        return new StoreScene(PoolOf(ceph), ceph, directory, await SidecarInstance.StartAsync(directory.Path, settings), volume);
    }

    public static StoreTarget PoolOf(CephCluster ceph) =>
        new()
        {
            Rbd = new RbdTarget
            {
                ConfigurationFile = ceph.Configuration, User = CephKeyring.Glance, Pool = CephCluster.Pool, Order = Order,
            },
        };

    /// <summary>What is left of programs that serve disks.</summary>
    public string[] Sockets => Path.Combine(directory.Staging, ".sidecar", "sockets") is var sockets && Directory.Exists(sockets)
        ? Directory.GetFileSystemEntries(sockets) : [];

    /// <summary>The staged image itself.</summary>
    public string ImageFile(string id) => Path.Combine(directory.Staging, id);

    /// <summary>Takes the staged image away, as somebody may who has the volume while the daemon is down.</summary>
    public void RemoveImage(string id)
    {
        File.Delete(ImageFile(id));
        File.Delete(Path.Combine(directory.Staging, ".sidecar", "images", id + ".json"));
    }

    /// <summary>Where a record of a write is.</summary>
    public string Record(string source) => Path.Combine(directory.Staging, ".sidecar", "stores", $"{source}.{Store}.json");

    public async Task RestartAsync(params string[] settings)
    {
        await Sidecar.DisposeAsync();
        Sidecar = await SidecarInstance.StartAsync(directory.Path, settings);
    }

    /// <summary>Begins a write; what is answered tells of its progress.</summary>
    public AsyncServerStreamingCall<StoreOutputEvent> Begin(string source, CancellationToken deadline, StoreTarget? target = null) =>
        Stores.StoreOutput(
            new StoreOutputRequest { SourceId = source, Store = Store, Target = target ?? Target, Digests = { "md5", "sha512" } },
            cancellationToken: deadline);

    public async Task<StoredImage> StoreAsync(string source, CancellationToken deadline, StoreTarget? target = null)
    {
        using var call = Begin(source, deadline, target);
        StoreOutputEvent? last = null;
        await foreach (var next in call.ResponseStream.ReadAllAsync(deadline)) last = next;
        return last!.Image;
    }

    /// <summary>Waits until the store has taken some of it.</summary>
    public static async Task BegunAsync(AsyncServerStreamingCall<StoreOutputEvent> call, CancellationToken deadline)
    {
        while (await call.ResponseStream.MoveNext(deadline))
        {
            if (call.ResponseStream.Current.BytesDone > 0) return;
        }

        Assert.Fail("It ended before it had begun.");
    }

    /// <summary>Null when it succeeded.</summary>
    public static async Task<RpcException?> EndAsync(AsyncServerStreamingCall<StoreOutputEvent> call, CancellationToken deadline)
    {
        try
        {
            while (await call.ResponseStream.MoveNext(deadline))
            {
            }

            return null;
        }
        catch (RpcException failure)
        {
            return failure;
        }
    }

    /// <summary>Begins a write and answers why it failed; null when it did not.</summary>
    public async Task<RpcException?> FailAsync(string source, CancellationToken deadline, StoreTarget? target = null)
    {
        using var call = Begin(source, deadline, target);
        return await EndAsync(call, deadline);
    }

    public DiscardStoredResponse Discard(string source, StoreTarget? target = null) =>
        Stores.DiscardStored(new DiscardStoredRequest { SourceId = source, Store = Store, Target = target ?? Target });

    public bool Confirm(string source) =>
        Stores.ConfirmStored(new ConfirmStoredRequest { SourceId = source, Store = Store }).Confirmed;

    /// <summary>The process that writes.</summary>
    public int Writer() => ProcessTree.Descendants(Sidecar.ProcessId)
        .Single(id => File.ReadAllText($"/proc/{id}/cmdline").EndsWith("\0store\0", StringComparison.Ordinal));

    public async Task<byte[]> ExportAsync(string name)
    {
        var path = directory["export"];
        File.Delete(path);
        await Ceph.RbdAsync("export", name, path);
        return await File.ReadAllBytesAsync(path);
    }

    public async ValueTask DisposeAsync()
    {
        await Sidecar.DisposeAsync();
        volume?.Dispose();
        directory.Dispose();
    }
}
