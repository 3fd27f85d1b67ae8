using Google.Rpc;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Peers.Core;
using Sidecar.Rpc.Statuses;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Tests.Rpc;

internal sealed class FaultMapTests
{
    private static readonly object[][] Kinds =
    [
        [new IOException("full", Posix.Enospc), StatusCode.ResourceExhausted, "NO_SPACE"],
        [new IOException("quota", Posix.Edquot), StatusCode.ResourceExhausted, "NO_SPACE"],
        [new IOException("descriptors", Posix.Emfile), StatusCode.ResourceExhausted, "OVERLOADED"],
        [new IOException("files", Posix.Enfile), StatusCode.ResourceExhausted, "OVERLOADED"],
        [new InsufficientMemoryException(), StatusCode.ResourceExhausted, "OVERLOADED"],
        [new IOException("broken", Posix.Eio), StatusCode.DataLoss, "DISK_FAILED"],
        [new FileNotFoundException(), StatusCode.DataLoss, "DISK_FAILED"],
        [new DirectoryNotFoundException(), StatusCode.DataLoss, "DISK_FAILED"],
        [new DriveNotFoundException(), StatusCode.DataLoss, "DISK_FAILED"],
        [new PathTooLongException(), StatusCode.DataLoss, "DISK_FAILED"],
        [
            new UnauthorizedAccessException("read-only", new IOException("EACCES", Posix.Eacces)),
            StatusCode.DataLoss, "DISK_FAILED",
        ],
        [new StagingException(StagingError.NoSpace, "refused"), StatusCode.ResourceExhausted, "NO_SPACE"],
        [new ImportException(ImportError.ImportRunning, "refused"), StatusCode.FailedPrecondition, "IMPORT_RUNNING"],
        [new PeerException(PeerError.OwnerLost, "refused"), StatusCode.Unavailable, "OWNER_LOST"],
        [new ArgumentOutOfRangeException("time"), StatusCode.Internal, "INTERNAL_ERROR"],
        [new InvalidOperationException("bug"), StatusCode.Internal, "INTERNAL_ERROR"],
        [new OperationCanceledException("bug"), StatusCode.Internal, "INTERNAL_ERROR"],
        [new ObjectDisposedException("bug"), StatusCode.Internal, "INTERNAL_ERROR"],
    ];

    [TestCaseSource(nameof(Kinds))]
    public void ToRpc_OfEveryKindOfException_HasAReason(Exception failure, StatusCode code, string reason)
    {
        var told = FaultMap.ToRpc(failure);
        Assert.That(told.StatusCode, Is.EqualTo(code));
        var info = told.GetRpcStatus()!.GetDetail<ErrorInfo>();
        Assert.That((info?.Domain, info?.Reason), Is.EqualTo(("glance.sidecar", reason)));
    }

    [TestCase(Posix.Enospc)]
    [TestCase(Posix.Emfile)]
    public void ToRpc_OfWhatPasses_SaysWhenToTryAgain(int errno) => Assert.That(
        FaultMap.ToRpc(new IOException("x", errno)).GetRpcStatus()!.GetDetail<RetryInfo>()?.RetryDelay.Seconds,
        Is.Positive);

    [Test]
    public void ToRpc_OfABug_TellsNothingOfIt() => Assert.That(
        FaultMap.ToRpc(new InvalidOperationException("a secret")).Status.Detail, Does.Not.Contain("secret"));
}
