using Glance.Sidecar.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Sidecar.CrashTests.Disk;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.Peers.Calls;
using Testing;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.CrashTests.Scenarios;

/// <summary>
/// Calls to a daemon whose disk is watched. A call that is refused or whose daemon is gone is no failure of the scenario: only
/// what was acknowledged is noted.
/// </summary>
internal abstract class Scenario(WatchedDisk disk, CancellationToken deadline)
{
    public static readonly string[] Names = [nameof(UploadAndDelete), nameof(SuspendAndResume), nameof(AbortAndAgain), nameof(ImportAndRelease), nameof(Adoption)];

    public List<Life> Lives { get; } = [];

    /// <summary>Statuses that no caller can do anything about: the daemon failed to say what happened.</summary>
    public List<string> Unexplained { get; } = [];

    /// <summary>Settings that make much happen in little data.</summary>
    public static string[] Settings { get; } =
        ["--Staging:DurableIntervalBytes", "1048576", "--Staging:ReservationStepBytes", "1048576"];

    protected CancellationToken Deadline => deadline;

    protected WatchedDisk Disk => disk;

    public static Scenario Create(string name, WatchedDisk disk, TestDirectory directory, CancellationToken deadline) => name switch
    {
        nameof(UploadAndDelete) => new UploadAndDelete(disk, deadline),
        nameof(SuspendAndResume) => new SuspendAndResume(disk, deadline),
        nameof(AbortAndAgain) => new AbortAndAgain(disk, deadline),
        nameof(ImportAndRelease) => new ImportAndRelease(disk, directory, deadline),
        nameof(Adoption) => new Adoption(disk, directory, deadline),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such scenario."),
    };

    public abstract Task RunAsync(SidecarInstance sidecar);

    protected Life NewImage(byte[] content)
    {
        var life = new Life(Guid.NewGuid().ToString("D"), content);
        Lives.Add(life);
        return life;
    }

    protected static byte[] Noise(int length, int seed)
    {
        var noise = new byte[length];
        new Random(seed).NextBytes(noise);
        return noise;
    }

    protected async Task StageAsync(SidecarInstance sidecar, Life life, ulong? resume = null)
    {
        using var connection = SocketChannel.Open(sidecar.Socket);
        using var stage = Stage(connection);
        var staged = await TriedAsync(async () =>
        {
            await stage.HeaderAsync(life.Id, resume is null ? (ulong)life.Content.Length : null, resume);
            await stage.ContentAsync(life.Content.AsMemory((int)(resume ?? 0)));
            await stage.FinishAsync((ulong)life.Content.Length);
        });
        if (staged) life.StagedAt = disk.Count;
        life.IsRefused = !staged;
    }

    /// <summary>Sends a part without a finish, and asks what is durable of it.</summary>
    protected async Task<ulong?> SuspendAsync(SidecarInstance sidecar, Life life, int bytes)
    {
        using (var connection = SocketChannel.Open(sidecar.Socket))
        using (var stage = Stage(connection))
        {
            await TriedAsync(async () =>
            {
                await stage.HeaderAsync(life.Id);
                await stage.ContentAsync(life.Content.AsMemory(0, bytes));
                await stage.CompleteAsync();
                await stage.Result;
            });
        }

        Upload? upload = null;
        await TriedAsync(async () => upload = await sidecar.Staging.GetUploadAsync(
            new GetUploadRequest { ImageId = life.Id }, cancellationToken: Deadline));
        if (upload is { State: Upload.Types.State.Suspended }) life.Durable(disk.Count, upload.DurableOffset);
        return upload?.ReceivedOffset;
    }

    /// <summary>
    /// On a connection of its own: a client that goes on sending to a call that was refused may have its connection closed
    /// by the server, which is not what the next call is to tell of.
    /// </summary>
    protected StageStream Stage(GrpcChannel connection) =>
        new(new Glance.Sidecar.V1.Staging.StagingClient(connection.Intercept(new StatusOfWrites())), Deadline);

    protected async Task DeleteAsync(SidecarInstance sidecar, Life life)
    {
        life.RemovalAskedAt = disk.Count;
        var removed = await TriedAsync(async () => await sidecar.Staging.DeleteImageAsync(
            new DeleteImageRequest { ImageId = life.Id }, cancellationToken: Deadline));
        if (removed) life.RemovedAt = disk.Count;
    }

    protected async Task ImportAsync(SidecarInstance sidecar, Life life)
    {
        var request = new RunImportRequest { ImageId = life.Id, ImportId = life.ImportId, DiskFormat = "qcow2" };
        await TriedAsync(async () =>
        {
            using var run = sidecar.Imports.RunImport(request, cancellationToken: Deadline);
            ImportMessage? last = null;
            await foreach (var change in run.ResponseStream.ReadAllAsync(Deadline)) last = change.Import;
            if (last?.State == ImportMessage.Types.State.Succeeded) life.ImportedAt = disk.Count;
        });
    }

    protected async Task ReleaseAsync(SidecarInstance sidecar, Life life)
    {
        life.ReleaseAskedAt = life.RemovalAskedAt = disk.Count;
        await TriedAsync(async () => await sidecar.Imports.ReleaseImportAsync(
            new ReleaseImportRequest { ImportId = life.ImportId }, cancellationToken: Deadline));
    }

    protected async Task<bool> TriedAsync(Func<Task> call)
    {
        try
        {
            await call();
            return true;
        }
        catch (RpcException refused)
        {
            if (refused.StatusCode is StatusCode.Unknown or StatusCode.Internal or StatusCode.DeadlineExceeded)
            {
                Unexplained.Add($"{refused.StatusCode}: {refused.Status.Detail}");
            }

            return false;
        }
    }
}
