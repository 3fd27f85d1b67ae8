using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;
using Stagectl.Connection;
using Stagectl.Output;

namespace Stagectl.Commands.Images;

/// <summary><c>uploads</c>: what is being uploaded, or was left unfinished.</summary>
internal static class UploadsCommand
{
    private static readonly Argument<string> Image = Symbols.Optional(Symbols.ImageId());

    public static Command Create(CommandRunner runner)
    {
        var command = new Command("uploads", "Lists the unfinished uploads, or shows the one of an image.") { Image };
        runner.AddExamples(command, "stagectl uploads", "stagectl uploads $id --json | jq -r .receivedOffset");
        runner.Handle(command, RunAsync);
        return command;
    }

    public static TextTable CreateTable() => new("IMAGE", "STATE", "RECEIVED", "SIZE", "LAST ACTIVE");

    public static string[] CreateRow(Upload upload) =>
    [
        upload.ImageId,
        upload.State.ToString(),
        ByteText.Format(upload.ReceivedOffset),
        upload.HasDeclaredSize ? ByteText.Format(upload.DeclaredSize) : "",
        TimeText.Format(upload.LastActiveAt),
    ];

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        if (parsed.GetValue(Image) is { Length: > 0 } id)
        {
            var request = new GetUploadRequest { ImageId = id };
            var upload = await invocation.Client.Staging.GetUploadAsync(request, invocation.Call);
            invocation.Output.Result(upload, () => Sheets.Of(upload));
            return;
        }

        using var call = invocation.Client.Staging.ListUploads(new ListUploadsRequest(), invocation.Call);
        invocation.Output.List(await call.ResponseStream.ToListAsync(invocation), CreateTable(), CreateRow);
    }
}
