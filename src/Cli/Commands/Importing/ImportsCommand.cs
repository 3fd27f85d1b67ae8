using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;
using Stagectl.Connection;
using Stagectl.Output;

namespace Stagectl.Commands.Importing;

/// <summary><c>imports</c>: the imports, or one of them.</summary>
internal static class ImportsCommand
{
    private static readonly Argument<string> Id = Symbols.Optional(Symbols.ImportId());

    private static readonly Option<string> Image = Symbols.UuidOption("--image", "Only imports of this image.");

    public static Command Create(CommandRunner runner)
    {
        var command = new Command("imports", "Lists the imports, oldest first, or shows one: stages, result, failure.")
        {
            Id, Image,
        };
        runner.AddExamples(
            command, "stagectl imports --image $id", "stagectl imports $import", "stagectl imports $import --json | jq -r .result.size");
        runner.Handle(command, RunAsync);
        return command;
    }

    public static TextTable CreateTable() => new("IMPORT", "IMAGE", "STATE", "STAGE", "CREATED", "FINISHED");

    public static string[] CreateRow(Import import) =>
    [
        import.ImportId,
        import.ImageId,
        import.State.ToString(),
        CurrentStage(import),
        TimeText.Format(import.CreatedAt),
        TimeText.Format(import.FinishedAt),
    ];

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        if (parsed.GetValue(Id) is { Length: > 0 } id)
        {
            var import = await invocation.Client.Imports.GetImportAsync(new GetImportRequest { ImportId = id }, invocation.Call);
            invocation.Output.Result(import, () => Sheets.Of(import));
            return;
        }

        var request = new ListImportsRequest { ImageId = parsed.GetValue(Image) ?? "" };
        using var call = invocation.Client.Imports.ListImports(request, invocation.Call);
        invocation.Output.List(await call.ResponseStream.ToListAsync(invocation), CreateTable(), CreateRow);
    }

    private static string CurrentStage(Import import) => import.Failure is { } failure
        ? failure.Stage
        : import.Stages.FirstOrDefault(stage => stage.State == StageProgress.Types.State.Running)?.Name ?? "";
}
