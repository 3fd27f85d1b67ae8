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
        [new IOException("/secret/full", Posix.Enospc), StatusCode.ResourceExhausted, "NO_SPACE"],
        [new IOException("/secret/quota", Posix.Edquot), StatusCode.ResourceExhausted, "NO_SPACE"],
        [new IOException("/secret/descriptors", Posix.Emfile), StatusCode.ResourceExhausted, "OVERLOADED"],
        [new IOException("/secret/files", Posix.Enfile), StatusCode.ResourceExhausted, "OVERLOADED"],
        [new InsufficientMemoryException(), StatusCode.ResourceExhausted, "OVERLOADED"],
        [new IOException("/secret/broken", Posix.Eio), StatusCode.DataLoss, "DISK_FAILED"],
        [new FileNotFoundException("/secret/file"), StatusCode.DataLoss, "DISK_FAILED"],
        [new DirectoryNotFoundException("/secret/directory"), StatusCode.DataLoss, "DISK_FAILED"],
        [new DriveNotFoundException(), StatusCode.DataLoss, "DISK_FAILED"],
        [new PathTooLongException(), StatusCode.DataLoss, "DISK_FAILED"],
        [
            new UnauthorizedAccessException("/secret/read-only", new IOException("/secret/EACCES", Posix.Eacces)),
            StatusCode.DataLoss, "DISK_FAILED",
        ],
        [new StagingException(StagingError.NoSpace, "refused"), StatusCode.ResourceExhausted, "NO_SPACE"],
        [new ImportException(ImportError.ImportRunning, "refused"), StatusCode.FailedPrecondition, "IMPORT_RUNNING"],
        [new PeerException(PeerError.OwnerLost, "refused"), StatusCode.Unavailable, "OWNER_LOST"],
        [new ArgumentOutOfRangeException("/secret/time"), StatusCode.Internal, "INTERNAL_ERROR"],
        [new InvalidOperationException("/secret/bug"), StatusCode.Internal, "INTERNAL_ERROR"],
        [new OperationCanceledException("/secret/bug"), StatusCode.Internal, "INTERNAL_ERROR"],
        [new ObjectDisposedException("/secret/bug"), StatusCode.Internal, "INTERNAL_ERROR"],
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

    [TestCaseSource(nameof(Kinds))]
    public void ToRpc_OfAFault_TellsNothingThatTheMachineSaid(Exception failure, StatusCode code, string reason)
    {
        Assert.That(FaultMap.ToRpc(failure).Status.Detail, Does.Not.Contain("secret"), $"{code} {reason}");
    }

    [TestCase(Posix.Eio, "(EIO)")]
    [TestCase(Posix.Erofs, "is read-only (EROFS)")]
    [TestCase(Posix.Estale, "(ESTALE)")]
    [TestCase(Posix.Ebusy, "in use")]
    [TestCase(Posix.Efbig, "(errno 27)")]
    [TestCase(Posix.Edquot, "is full")]
    public void Explain_NamesWhatFailed(int errno, string words) =>
        Assert.That(DiskFault.Explain(new IOException("/secret", errno)), Does.Contain(words).And.Not.Contain("secret"));

    [Test]
    public void Explain_OfWhatDotNetMakesOfAnErrno_NamesIt()
    {
        Assert.That(DiskFault.Explain(new UnauthorizedAccessException("/secret")), Does.Contain("may not access"));
        var gone = Assert.Catch<IOException>(() => File.OpenHandle("/nowhere/secret").Dispose())!;
        Assert.That(DiskFault.Explain(gone), Does.Contain("is gone"));
        Assert.That(DiskFault.Explain(new IOException("secret")), Does.Not.Contain("errno").And.Not.Contain("secret"));
    }

    [Test]
    public void ToRpc_OfABug_TellsNothingOfIt() => Assert.That(
        FaultMap.ToRpc(new InvalidOperationException("a secret")).Status.Detail, Does.Not.Contain("secret"));
}
