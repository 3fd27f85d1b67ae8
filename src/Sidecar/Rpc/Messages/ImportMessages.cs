using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Import.Core;
using Sidecar.Rpc.Statuses;
using Sidecar.Staging.Core;
using Sidecar.Telemetry;

namespace Sidecar.Rpc.Messages;

/// <summary>Domain values of the import slice as messages, and back.</summary>
internal static class ImportMessages
{
    public static ImportRequest ToRequest(RunImportRequest request) => new()
    {
        ImportId = request.ImportId.Length == 0 ? Guid.Empty : ImportIds.Parse(request.ImportId),
        ImageId = ImageId.Parse(request.ImageId),
        Stages = [.. request.Stages],
        DiskFormat = request.DiskFormat,
        ContainerFormat = request.ContainerFormat,
        OutputDiskFormat = request.OutputDiskFormat,
        WithoutDigests = request.WithoutDigests,
        DefersConversion = request.DeferConversion,
        Digests = [.. request.Digests],
        UserRoles = [.. request.UserRoles],
        RequestId = request.RequestId,
        Rules = request.Rules is { } rules ? ToRules(rules) : null,
        Signature = request.Signature is { } signature ? ToSignature(signature) : null,
    };

    private static Import.Core.ImageRules ToRules(Glance.Sidecar.V1.ImageRules rules) => new()
    {
        DiskFormats = [.. rules.DiskFormats],
        ContainerFormats = [.. rules.ContainerFormats],
        VmdkTypes = rules.VmdkTypes is { } types ? [.. types.Names] : null,
        ToleratedChecks = [.. rules.ToleratedChecks],
        AllowFormatMismatch = rules.AllowFormatMismatch,
    };

    public static Glance.Sidecar.V1.Import ToMessage(this ImportSnapshot import, string owner) => new()
    {
        ImportId = import.ImportId.ToString("D"),
        ImageId = import.Request.ImageId.ToString(),
        State = import.State switch
        {
            ImportState.Queued => Glance.Sidecar.V1.Import.Types.State.Queued,
            ImportState.Running => Glance.Sidecar.V1.Import.Types.State.Running,
            ImportState.Succeeded => Glance.Sidecar.V1.Import.Types.State.Succeeded,
            ImportState.Failed => Glance.Sidecar.V1.Import.Types.State.Failed,
            ImportState.Cancelled => Glance.Sidecar.V1.Import.Types.State.Cancelled,
        },
        Stages = { import.Stages.Select(ToMessage) },
        Result = import.Result is { } result ? ToMessage(result, owner) : null,
        Failure = import.Failure is { } failure ? ToMessage(failure) : null,
        CreatedAt = import.CreatedAt.ToTimestamp(),
        StartedAt = import.StartedAt?.ToTimestamp(),
        FinishedAt = import.FinishedAt?.ToTimestamp(),
        Owner = owner,
        RequestId = import.Request.RequestId,
    };

    private static Import.Core.ImageSignature ToSignature(Glance.Sidecar.V1.ImageSignature signature) => new(
        signature.Signature, signature.HashMethod, signature.KeyType, signature.CertificateUuid,
        signature.Certificate.ToBase64());

    private static Glance.Sidecar.V1.StageProgress ToMessage(Import.Core.StageProgress stage) => new()
    {
        Name = stage.Name,
        State = stage.State switch
        {
            StageState.Pending => Glance.Sidecar.V1.StageProgress.Types.State.Pending,
            StageState.Running => Glance.Sidecar.V1.StageProgress.Types.State.Running,
            StageState.Succeeded => Glance.Sidecar.V1.StageProgress.Types.State.Succeeded,
            StageState.Skipped => Glance.Sidecar.V1.StageProgress.Types.State.Skipped,
            StageState.Failed => Glance.Sidecar.V1.StageProgress.Types.State.Failed,
        },
        BytesDone = (ulong)stage.BytesDone,
        BytesTotal = (ulong)stage.BytesTotal,
        ElapsedSeconds = stage.Elapsed.TotalSeconds,
    };

    private static Glance.Sidecar.V1.ImportResult ToMessage(Import.Core.ImportResult result, string owner) => new()
    {
        DiskFormat = result.DiskFormat,
        ContainerFormat = result.ContainerFormat,
        Size = (ulong)result.Size,
        VirtualSize = (ulong)result.VirtualSize,
        Digests = { result.Digests.ToDictionary() },
        Properties = { result.Properties.ToDictionary() },
        OutputPath = result.OutputPath,
        OutputOwner = owner,
        Deferred = result.Deferred is not null,
        Signature = result.Signature switch
        {
            Import.Core.SignatureOutcome.None => Glance.Sidecar.V1.SignatureOutcome.Unspecified,
            Import.Core.SignatureOutcome.OfOutput => Glance.Sidecar.V1.SignatureOutcome.OfOutput,
            Import.Core.SignatureOutcome.OfInput => Glance.Sidecar.V1.SignatureOutcome.OfInput,
        },
    };

    private static Glance.Sidecar.V1.ImportFailure ToMessage(Import.Core.ImportFailure failure) => new()
    {
        Reason = failure.Error.Reason(),
        Message = failure.Message,
        Stage = failure.Stage,
        Facts = { failure.Facts.ToDictionary() },
        StatusCode = (int)StatusMap.ToCode(failure.Error),
    };
}
