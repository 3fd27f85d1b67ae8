using Grpc.Core;
using Stagectl.Connection;
using Stagectl.Failures;
using Stagectl.Output;

namespace Stagectl;

/// <summary>What a command works with: the sidecar, the terminal, and when to stop.</summary>
/// <param name="Deadline">End of the time that --timeout gives the whole command, in UTC.</param>
internal sealed record Invocation(
    SidecarClient Client, Printer Output, DateTime? Deadline, CancellationToken Interrupted)
{
    public CallOptions Call => new(deadline: Deadline, cancellationToken: Interrupted);

    /// <summary>
    /// What an exception means to the user. Null for what is none of the expected failures: a bug, which deserves its
    /// stack trace.
    /// </summary>
    public Failure? Explain(Exception exception) => exception switch
    {
        OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled }
            when Interrupted.IsCancellationRequested => Failure.Interrupted(),
        CommandException known => known.Failure,
        RpcException rpc when Failure.From(rpc) is { ExitCode: ExitCode.Unreachable } unreachable =>
            unreachable with { Message = Client.DescribeUnreachable(rpc) },
        RpcException rpc => Failure.From(rpc),
        IOException or UnauthorizedAccessException => Failure.Local(exception.Message),
        _ => null,
    };
}
