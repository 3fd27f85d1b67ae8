using System.CommandLine;
using Glance.Sidecar.V1;
using Grpc.Core;
using Stagectl.Commands.Core;
using Stagectl.Failures;

namespace Stagectl.Commands.Images;

/// <summary><c>abort</c>: discards an unfinished upload.</summary>
internal static class AbortCommand
{
    private static readonly Argument<string> Image = Symbols.ImageId();

    public static Command Create(CommandRunner runner)
    {
        var command = new Command("abort", "Discards the unfinished upload of an image, and ends who is sending it.")
        {
            Image,
        };
        runner.AddExamples(command, "stagectl abort $id");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var id = parsed.GetRequiredValue(Image);
        var request = new AbortUploadRequest { ImageId = id };
        var aborted = await invocation.Client.Staging.AbortUploadAsync(request, invocation.Call);
        if (!aborted.Existed)
        {
            throw new CommandException(Failure.Refused(
                StatusCode.NotFound, "UPLOAD_NOT_FOUND", $"There is no unfinished upload of image {id}."));
        }

        if (invocation.Output.Json) invocation.Output.Result(aborted, () => "");
        else invocation.Output.Note($"Discarded the upload of image {id}.");
    }
}
