using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.SoakTests.Ledger;
using Sidecar.SoakTests.Pods;

namespace Sidecar.SoakTests.Clients;

/// <summary>Calls that promise nothing that lasts: Inspect, Reserve, and what lists.</summary>
internal sealed class Others(Caller caller, SoakPods pods, Violations violations, Random random)
{
    private const int InspectedBytes = 256 << 10;

    /// <summary>Has the beginning of an image inspected.</summary>
    public async Task InspectAsync(Life life)
    {
        var bytes = life.Content.Bytes;
        var request = new InspectRequest
        {
            Data = ByteString.CopyFrom(bytes.AsSpan(0, Math.Min(InspectedBytes, bytes.Length))), Complete = bytes.Length <= InspectedBytes,
            DiskFormat = life.Content.DiskFormat,
        };
        var seen = await caller.AskAsync(
            $"Inspect of {life}", random.Next(SoakPods.Count),
            async (pod, deadline) => await pod.Imports.InspectAsync(request, cancellationToken: deadline));
        if (seen.IsGiven && life.Content.DiskFormat == "qcow2" && seen.Value!.DiskFormat != "qcow2")
        {
            violations.Add($"Inspect tells the format of {life}", $"{seen.Value}");
        }
    }

    /// <summary>Reserves space for an image that never comes, grows it or gives some back, and goes away.</summary>
    public async Task ReserveAsync()
    {
        var at = random.Next(SoakPods.Count);
        var changes = pods.Changes(at);
        var id = Identifiers.New(random);
        var bytes = random.Next(64 << 20);
        var then = random.Next(64 << 20);
        var reserved = await caller.AskAsync($"Reserve {bytes}, then {then}, of image {id}", at, async (pod, deadline) =>
        {
            using var reservation = await ReserveStream.OpenAsync(pod, id, (ulong)bytes, deadline);
            var adjust = new AdjustReservationRequest { ReservationId = reservation.Id, RemainingBytes = (ulong)then };
            return await pod.Staging.AdjustReservationAsync(adjust, cancellationToken: deadline);
        }, "RESERVATION_NOT_FOUND");
        // A pod that ends, or has just started again, knows none.
        if (reserved.Is("RESERVATION_NOT_FOUND") && pods.WasCalm(at, changes))
        {
            violations.Add($"a reservation of {id} at {at} lasts as long as its call", "RESERVATION_NOT_FOUND of a pod that nobody disturbed");
        }
    }

    /// <summary>Asks for what a pod has.</summary>
    public Task ListAsync() => caller.AskAsync("Lists of everything", random.Next(SoakPods.Count), async (pod, deadline) =>
    {
        using var images = pod.Staging.ListImages(new ListImagesRequest(), cancellationToken: deadline);
        using var uploads = pod.Staging.ListUploads(new ListUploadsRequest(), cancellationToken: deadline);
        using var imports = pod.Imports.ListImports(new ListImportsRequest(), cancellationToken: deadline);
        return await images.ResponseStream.ReadAllAsync(deadline).CountAsync(deadline)
            + await uploads.ResponseStream.ReadAllAsync(deadline).CountAsync(deadline)
            + await imports.ResponseStream.ReadAllAsync(deadline).CountAsync(deadline);
    });
}
