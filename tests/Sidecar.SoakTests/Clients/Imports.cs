using System.Security.Cryptography;
using Glance.Sidecar.V1;
using Grpc.Core;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.SoakTests.Ledger;
using Sidecar.SoakTests.Pods;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.SoakTests.Clients;

/// <summary>Imports through any pod: run, cancelled, released.</summary>
internal sealed class Imports(Caller caller, SoakPods pods, Violations violations, Figures figures, Random random)
{
    /// <summary>Runs one, or attaches to the one that may run.</summary>
    public async Task RunAsync(Life life)
    {
        life.ImportId ??= Identifiers.New(random);
        var (at, drains) = (random.Next(SoakPods.Count), pods.Drains);
        var changes = pods.Changes(at);
        var request = Request(life);
        var import = await caller.AskAsync(
            $"RunImport {life.ImportId} ({request.OutputPlacement}) of {life}", at,
            (pod, deadline) => FollowAsync(pod, request, deadline), IfAbsent(life, "IMPORT_INTERRUPTED"));
        if (import.Is("NO_SPACE")) await ReleaseAsync(life, keepImage: true);
        if (!import.IsGiven) return;
        figures.Count("imports");
        life.IsImported = true;
        Check(life, import.Value!);
        // Only what lies on a volume that nobody touches can be read beside the sidecar.
        if (request.OutputPlacement == OutputPlacement.BringHere && pods.Drains == drains && pods.WasCalm(at, changes))
        {
            CheckFile(life, import.Value!.Result, at);
        }
    }

    /// <summary>Cancels one while it runs, if it still does.</summary>
    public async Task CancelAsync(Life life)
    {
        life.ImportId ??= Identifiers.New(random);
        var (run, cancel) = (random.Next(SoakPods.Count), random.Next(SoakPods.Count));
        var runs = caller.AskAsync(
            $"RunImport {life.ImportId} (cancelled) of {life}", run,
            (pod, deadline) => FollowAsync(pod, Request(life), deadline), IfAbsent(life, "IMPORT_INTERRUPTED", "CANCELLED"));
        await caller.AskAsync(
            $"CancelImport {life.ImportId} of {life}", cancel,
            async (pod, deadline) => await pod.Imports.CancelImportAsync(
                new CancelImportRequest { ImportId = life.ImportId }, cancellationToken: deadline),
            "IMPORT_NOT_FOUND");
        await runs;
        await ReleaseAsync(life, keepImage: true);
    }

    /// <summary>Has done with it; without the image, if that is not kept.</summary>
    public async Task ReleaseAsync(Life life, bool keepImage)
    {
        var (before, isSure) = (life.Promise, !life.HasOtherImports && !life.MayReturn && life.DrainsAtStart == pods.Drains);
        var request = new ReleaseImportRequest { ImportId = life.ImportId, KeepImage = keepImage };
        if (!keepImage) life.Now(Promise.MaybeDeleted, "ReleaseImport, not answered");
        var released = await caller.AskAsync(
            $"ReleaseImport {life.ImportId} ({(keepImage ? "without" : "with")} its image) of {life}", random.Next(SoakPods.Count),
            async (pod, deadline) => await pod.Imports.ReleaseImportAsync(request, cancellationToken: deadline),
            "IMPORT_NOT_FOUND", "IMPORT_RUNNING");
        if (released.Is("IMPORT_RUNNING") || released.Is("IMPORT_NOT_FOUND")) life.Now(before, life.By);
        else if (released.IsGiven && !keepImage && isSure) life.Now(Promise.Deleted, "ReleaseImport");
        life.HasOtherImports |= !released.IsGiven;
        (life.ImportId, life.IsImported) = (null, false);
    }

    private RunImportRequest Request(Life life)
    {
        var isBrought = random.Next(3) == 0;
        life.WasBrought |= isBrought;
        return new RunImportRequest
        {
            ImageId = life.Id, ImportId = life.ImportId, DiskFormat = life.Content.DiskFormat,
            OutputPlacement = isBrought ? OutputPlacement.BringHere : OutputPlacement.StayWithOwner,
        };
    }

    private static string[] IfAbsent(Life life, params string[] others) =>
        life.Promise == Promise.Staged ? others : [.. others, "IMAGE_NOT_FOUND", "IMAGE_GONE"];

    private static async Task<ImportMessage> FollowAsync(SidecarInstance pod, RunImportRequest request, CancellationToken deadline)
    {
        var last = new ImportMessage();
        using var call = pod.Imports.RunImport(request, cancellationToken: deadline);
        await foreach (var update in call.ResponseStream.ReadAllAsync(deadline)) last = update.Import;
        return last;
    }

    private void Check(Life life, ImportMessage import)
    {
        var output = life.Content.Output;
        var isRight = import.State == ImportMessage.Types.State.Succeeded && import.Result.Size == (ulong)output.Length
            && import.Result.DiskFormat == "raw" && import.Result.Digests["sha512"] == Convert.ToHexStringLower(SHA512.HashData(output));
        if (!isRight) violations.Add($"an import of {life} makes {output.Length} bytes of raw", $"RunImport ends with {import}");
    }

    private void CheckFile(Life life, ImportResult result, int at)
    {
        if (result.OutputOwner != Cluster.Name(at) || !File.Exists(result.OutputPath)
            || !File.ReadAllBytes(result.OutputPath).AsSpan().SequenceEqual(life.Content.Output))
        {
            violations.Add(
                $"the output of import {life.ImportId} on {Cluster.Name(at)}, by RunImport (BRING_HERE)", $"other bytes, or none, by {result}");
        }
    }
}
