using System.CommandLine;
using System.Text.Json.Nodes;
using Stagectl.Failures;
using Stagectl.Ingest;
using Stagectl.Output;
using Stagectl.Progress;
using Stagectl.Transfer;

namespace Stagectl.Commands.Images;

/// <summary><c>put --via</c>: stages through Glance's own API.</summary>
internal static class PutVia
{
    public static async Task RunAsync(
        ParseResult parsed, Invocation invocation, IngestRequest request, UploadSource source, RetryBackoff patience)
    {
        var client = ViaOptions.CreateClient(parsed);
        await client.CheckTokenAsync(invocation.Interrupted);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(invocation.Interrupted);
        if (invocation.Deadline is { } deadline) ending.CancelAfter(Left(deadline));
        var size = await ProgressDisplay.RunAsync(invocation.Output, display => RunAsync(
            new IngestUpload(client, request, source, patience, display, ending.Token), request, source, invocation));
        invocation.Output.Note($"Staged {ByteText.Format((ulong)size)} as image {request.ImageId}.");
        // As text, like every 64-bit number in protobuf's JSON.
        invocation.Output.Result(
            () => new JsonObject { ["imageId"] = request.ImageId, ["size"] = $"{size}" }, () => request.ImageId);
    }

    private static TimeSpan Left(DateTime deadline) =>
        deadline > DateTime.UtcNow ? deadline - DateTime.UtcNow : TimeSpan.Zero;

    private static async Task<long> RunAsync(
        IngestUpload upload, IngestRequest request, UploadSource source, Invocation invocation)
    {
        try
        {
            return await upload.RunAsync();
        }
        catch (Exception exception) when (Explain(exception, invocation) is { } failure)
        {
            throw new CommandException(upload.Begun && IsKept(failure) ? AddResumePoint(failure, request, source) : failure);
        }
    }

    private static Failure? Explain(Exception exception, Invocation invocation) =>
        exception is OperationCanceledException && !invocation.Interrupted.IsCancellationRequested
            ? Failure.TimedOut("The image was not staged within the time of --timeout.")
            : invocation.Explain(exception);

    // Of an upload that was refused nothing is.
    private static bool IsKept(Failure failure) => failure.ExitCode is ExitCode.Unreachable or ExitCode.Interrupted
        || failure.Reason is IngestRefusals.TokenRefused or IngestRefusals.Unavailable;

    private static Failure AddResumePoint(Failure failure, IngestRequest request, UploadSource source) => failure.With(
        source is PipeSource
            ? "Standard input cannot be read again: put a file to be able to go on."
            : "What arrived is kept for a while: go on with the same command and --resume.",
        ("image_id", request.ImageId),
        ("sent_offset", $"{source.Offset}"));
}
