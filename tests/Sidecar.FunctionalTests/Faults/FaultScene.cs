using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Importing;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Faults;

/// <summary>What goes wrong between the pod that owns an image and the one that is asked to import it.</summary>
internal enum Fault
{
    BlackHole,
    BlackHoleToOwner,
    BlackHoleFromOwner,
    Reset,
    ResetToOwner,
    OwnerFrozen,
    OwnerKilled,
    AskedKilled,
}

/// <summary>When it goes wrong.</summary>
internal enum Step
{
    BeforeTheCall,

    /// <summary>The owner converts; the fault is over before it ends.</summary>
    WhileRunning,

    /// <summary>The owner converts, and ends while the fault lasts.</summary>
    AtTheEnd,

    /// <summary>The output is on its way to the pod that was asked.</summary>
    WhileBringing,
}

/// <summary>Three pods in a network of their own, an image on the first, and an import of it asked of the second.</summary>
internal sealed class FaultScene : IAsyncDisposable
{
    private const int Owner = 0;
    private const int Asked = 1;

    // At 64 Mbit/s the output needs seconds: long enough to put a fault into it.
    private const int OutputBytes = 24 << 20;
    private const int SlowMebibits = 64;

    private readonly PodNetwork _network;
    private readonly Cluster _cluster;
    private readonly TestDirectory _directory;
    private readonly CancellationToken _deadline;
    private readonly byte[] _disk = new byte[OutputBytes];
    private readonly RunImportRequest _request;
    private readonly List<string> _logOfKilled = [];

    private FaultScene(PodNetwork network, Cluster cluster, TestDirectory directory, CancellationToken deadline)
    {
        _network = network;
        _cluster = cluster;
        _directory = directory;
        _deadline = deadline;
        Random.Shared.NextBytes(_disk);
        _request = new RunImportRequest
        {
            ImageId = Guid.NewGuid().ToString("D"),
            ImportId = Guid.NewGuid().ToString("D"),
            OutputPlacement = OutputPlacement.BringHere,
        };
    }

    public static async Task<FaultScene> StartAsync(PodNetwork network, CancellationToken deadline)
    {
        var directory = TestDirectory.Create();
        var cluster = await Cluster.StartInNetworkAsync(
            network, 3,
            "--Import:Tools:QemuNbd", GatedQemuNbd.Write(directory), "--Import:Confinement", "off",
            "--Peers:ConnectTimeout", "00:00:01", "--Peers:LocateTimeout", "00:00:01.500",
            "--Peers:ReattachTimeout", "00:01:30");
        var scene = new FaultScene(network, cluster, directory, deadline);
        try
        {
            await scene.StageAsync();
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    /// <summary>The call is refused at once, with the owner named; when the fault is over, the same call succeeds.</summary>
    public async Task<ImportMessage> CallRefusedThenAgainAsync(Fault fault)
    {
        await BreakAsync(fault);
        if (fault != Fault.AskedKilled)
        {
            var refusal = await Assert.ThrowsAsync<RpcException>(() => RunAsync());
            Assert.That(refusal!.StatusCode, Is.EqualTo(StatusCode.Unavailable), refusal.Status.Detail);
            Assert.That(refusal.Status.Detail, Does.Contain(Cluster.Name(Owner)));
        }

        await MendAsync(fault);
        GatedQemuNbd.Open(_directory);
        return await RunAsync();
    }

    /// <summary>The fault comes while the call lasts, and the call outlives it.</summary>
    public async Task<ImportMessage> CallThroughAsync(Fault fault, Step step)
    {
        if (step == Step.WhileBringing)
        {
            _network.Slow(Owner, SlowMebibits);
            GatedQemuNbd.Open(_directory);
        }

        var call = await BegunAsync(step);
        await BreakAsync(fault);
        if (step == Step.AtTheEnd) await EndMeanwhileAsync();
        await MendAsync(fault);
        GatedQemuNbd.Open(_directory);
        // Whoever loses the pod that he asked asks again, as with any server.
        return fault == Fault.AskedKilled ? await AgainAsync(call) : await call;
    }

    /// <summary>Nothing lost, nothing run twice, and after the release nothing left.</summary>
    public async Task AssertSoundAsync(ImportMessage import)
    {
        var output = import.Result;
        Assert.That((output.OutputOwner, output.Size), Is.EqualTo((Cluster.Name(Asked), (ulong)_disk.Length)));
        Assert.That(await File.ReadAllBytesAsync(output.OutputPath, _deadline), SameBytes.As(_disk), "the output");
        Assert.That(_cluster.Running.Count(HasImage), Is.EqualTo(1), "one owner");
        Assert.That(CountSuccesses(), Is.EqualTo(1), "runs that succeeded");
        await _cluster[Asked].Imports.ReleaseImportAsync(
            new ReleaseImportRequest { ImportId = _request.ImportId }, cancellationToken: _deadline);
        for (var pod = 0; pod < 3; pod++) Assert.That(_cluster.Leftovers(pod), Is.Empty, Cluster.Name(pod));
    }

    public async ValueTask DisposeAsync()
    {
        // A frozen daemon does not end by itself.
        foreach (var pod in _cluster.Running) pod.Signal("CONT");
        await _cluster.DisposeAsync();
        _directory.Dispose();
    }

    private async Task StageAsync()
    {
        var raw = _directory["disk.raw"];
        await File.WriteAllBytesAsync(raw, _disk, _deadline);
        using var convert = System.Diagnostics.Process.Start(
            "qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, _directory["disk.qcow2"]]);
        await convert.WaitForExitAsync(_deadline);
        var content = await File.ReadAllBytesAsync(_directory["disk.qcow2"], _deadline);
        using var stage = new StageStream(_cluster[Owner].Uploads, _deadline);
        await stage.HeaderAsync(_request.ImageId, (ulong)content.Length);
        await stage.ContentAsync(content);
        await stage.FinishAsync((ulong)content.Length);
    }

    // A call that has come as far as the step. With a second to connect, a busy machine may look like a fault before there is
    // one: the call is refused, and made again. Whatever else ends it says why here.
    private async Task<Task<ImportMessage>> BegunAsync(Step step)
    {
        while (true)
        {
            var reached = new TaskCompletionSource();
            var call = RunAsync(import =>
            {
                if (step == Step.WhileBringing ? import.OutputTransfer?.BytesDone > 0 : Converts(import)) reached.TrySetResult();
            });
            if (await Task.WhenAny(reached.Task, call) == reached.Task) return call;
            try
            {
                Assert.Fail($"the call ended before the fault: {await call}");
            }
            catch (RpcException refused) when (refused.StatusCode == StatusCode.Unavailable)
            {
                _deadline.ThrowIfCancellationRequested();
            }
        }
    }

    private async Task<ImportMessage> RunAsync(Action<ImportMessage>? progress = null)
    {
        using var call = _cluster[Asked].Imports.RunImport(_request, cancellationToken: _deadline);
        ImportMessage? last = null;
        await foreach (var update in call.ResponseStream.ReadAllAsync(_deadline))
        {
            last = update.Import;
            progress?.Invoke(last);
        }

        return last ?? throw new AssertionException("no event");
    }

    private async Task<ImportMessage> AgainAsync(Task<ImportMessage> broken)
    {
        // Cancelled: the test closed its channel to the pod that it killed.
        Assert.That(
            (await Assert.ThrowsAsync<RpcException>(() => broken))!.StatusCode,
            Is.AnyOf(StatusCode.Unavailable, StatusCode.Cancelled));
        return await RunAsync();
    }

    private async Task EndMeanwhileAsync()
    {
        GatedQemuNbd.Open(_directory);
        while (true)
        {
            var import = await _cluster[Owner].Imports.GetImportAsync(
                new GetImportRequest { ImportId = _request.ImportId }, cancellationToken: _deadline);
            if (import.State == ImportMessage.Types.State.Succeeded) return;
            await Cluster.BetweenLooks();
        }
    }

    private async Task BreakAsync(Fault fault)
    {
        switch (fault)
        {
            case Fault.BlackHole:
                _network.CutBothWays(Owner, Asked, Cut.BlackHole);
                break;
            case Fault.BlackHoleToOwner:
                _network.CutOneWay(Asked, Owner, Cut.BlackHole);
                break;
            case Fault.BlackHoleFromOwner:
                _network.CutOneWay(Owner, Asked, Cut.BlackHole);
                break;
            case Fault.Reset:
                _network.CutBothWays(Owner, Asked, Cut.Reset);
                break;
            case Fault.ResetToOwner:
                _network.CutOneWay(Asked, Owner, Cut.Reset);
                break;
            case Fault.OwnerFrozen:
                _cluster[Owner].Signal("STOP");
                break;
            case Fault.OwnerKilled:
                await KillAsync(Owner);
                break;
            case Fault.AskedKilled:
                await KillAsync(Asked);
                return;
            default:
                throw new ArgumentOutOfRangeException(nameof(fault));
        }

        await _cluster.UntilAsync(Asked, Owner, peer => !peer.Reachable);
    }

    private async Task MendAsync(Fault fault)
    {
        _network.Heal();
        if (fault == Fault.OwnerFrozen) _cluster[Owner].Signal("CONT");
        if (fault == Fault.OwnerKilled) await _cluster.StartPodAsync(Owner);
        if (fault == Fault.AskedKilled) await _cluster.StartPodAsync(Asked);
        await _cluster.UntilAsync(Asked, Owner, peer => peer.Reachable);
    }

    private async Task KillAsync(int pod)
    {
        var log = _cluster[pod].Log;
        await _cluster.KillPodAsync(pod);
        _logOfKilled.AddRange(log);
    }

    private bool HasImage(SidecarInstance pod)
    {
        using var call = pod.Staging.ListImages(new ListImagesRequest(), cancellationToken: _deadline);
        return call.ResponseStream.ReadAllAsync(_deadline).ToBlockingEnumerable(_deadline)
            .Any(image => image.ImageId == _request.ImageId);
    }

    private int CountSuccesses() => ClusterTest.CountSuccesses(
        _cluster.Running.SelectMany(pod => pod.Log).Concat(_logOfKilled), _request.ImportId);

    private static bool Converts(ImportMessage import) => import.Stages.Any(stage =>
        stage.Name == "image_conversion" && stage.State == StageProgress.Types.State.Running);
}
