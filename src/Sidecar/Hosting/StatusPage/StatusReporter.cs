using System.Diagnostics;
using Sidecar.Background;
using Sidecar.Hosting.Probes;
using Sidecar.Import.Core;
using Sidecar.Import.Processes;
using Sidecar.Import.Queue;
using Sidecar.Peers.Membership;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;
using Sidecar.Telemetry;

namespace Sidecar.Hosting.StatusPage;

/// <summary>Looks at everything that the status page shows.</summary>
internal sealed class StatusReporter(
    StagingArea area, StagingContext staging, ImportQueue imports, PeerDirectory peers, Readiness readiness,
    LoopHealth loops, Sandbox sandbox, RecentProblems problems, TimeProvider clock)
{
    // A page of 100,000 images helps nobody; the oldest ones are those that were forgotten.
    private const int MostImages = 50;
    private const int MostImports = 50;
    private const int MostRecords = 50;

    private readonly DateTimeOffset _startedAt = StartOfProcess();

    public StatusReport Take() => new(
        staging.Options.PodName,
        SidecarVersion.Text,
        clock.GetUtcNow(),
        _startedAt,
        readiness.Obstacle(),
        Capacity(),
        [.. area.ListUploads().Select(Upload)],
        [.. imports.List().OrderBy(import => import.IsFinished).ThenByDescending(import => import.CreatedAt)
            .Take(MostImports).Select(Import)],
        Images(),
        [.. peers.Peers.OrderBy(peer => peer.Name, StringComparer.Ordinal).Select(Peer)],
        [.. loops.Failing.Select(loop => new LoopReport(loop.Name, loop.Since, loop.Failure))],
        Damaged(),
        [.. sandbox.DescribeLayers().Select(layer => new LayerReport(layer.Mechanism, layer.Holds, layer.Missing))],
        [.. problems.Newest().Select(problem => new ProblemReport(problem.At, problem.Level.Label(), problem.Text))]);

    private static DateTimeOffset StartOfProcess()
    {
        using var process = Process.GetCurrentProcess();
        return process.StartTime.ToUniversalTime();
    }

    private CapacityReport Capacity()
    {
        var space = Space();
        return new CapacityReport(
            staging.Layout.Directory, space.TotalBytes, space.FreeBytes, space.ReservedBytes, space.AvailableBytes,
            readiness.Obstacle() is null);
    }

    // The page is for just the hour in which the disk fails; the obstacle says why there are no numbers.
    private SpaceSnapshot Space()
    {
        try
        {
            return area.Space.Snapshot();
        }
        catch (Exception failure) when (DiskFault.Is(failure))
        {
            return default;
        }
    }

    private static UploadReport Upload(UploadSnapshot upload) => new(
        upload.Header.ImageId.ToString(), upload.State.Label(), upload.ReceivedOffset, upload.DurableOffset,
        upload.Header.DeclaredSize, upload.Header.StartedAt, upload.LastActiveAt, upload.Header.ProjectId, upload.Failure);

    private static ImportReport Import(ImportSnapshot import) => new(
        import.ImportId.ToString(), import.Request.ImageId.ToString(), import.State.Label(), import.CreatedAt,
        import.FinishedAt, [.. import.Stages.Select(Stage)], import.Failure?.Message ?? "");

    private static StageReport Stage(StageProgress stage) => new(
        stage.Name, stage.State.Label(), stage.BytesDone, stage.BytesTotal, stage.Elapsed.TotalSeconds);

    private ImagesReport Images() => new(
        area.ImageCount,
        area.ImageBytes,
        [.. area.ListOldestImages(MostImages).Select(image => new ImageReport(
            image.Id.ToString(), image.Size, image.CommittedAt, image.Origin.Label(), image.ProjectId))]);

    private DamagedReport Damaged()
    {
        var (count, first) = DamagedRecords.List(staging.Layout, MostRecords);
        return new DamagedReport(
            count, [.. first.Select(record => new DamagedRecordReport(record.Name, record.Why, record.At))]);
    }

    private static PeerReport Peer(Peer peer)
    {
        var state = peer.State;
        var name = state.Absent ? "absent" : !state.Reachable ? "unreachable" : state.Draining ? "draining" : "reachable";
        return new PeerReport(
            peer.Name, peer.Address.ToString(), name, state.Since, state.Failure, state.Version,
            state.Capacity?.FreeBytes, state.Capacity?.StagedImages);
    }
}
