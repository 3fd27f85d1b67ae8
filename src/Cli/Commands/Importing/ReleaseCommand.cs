using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;
using Stagectl.Output;

namespace Stagectl.Commands.Importing;

/// <summary><c>release</c>: removes a finished import and its output.</summary>
internal static class ReleaseCommand
{
    private static readonly Argument<string> Id = Symbols.ImportId();

    private static readonly Option<bool> KeepImage = new("--keep-image")
    {
        Description = "Keep the staged image; else it goes with its last import.",
    };

    public static Command Create(CommandRunner runner)
    {
        var command = new Command("release", "Removes a finished import, its output, and the staged image.")
        {
            Id, KeepImage,
        };
        runner.AddExamples(command, "stagectl release $import", "stagectl release $import --keep-image");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var request = new ReleaseImportRequest
        {
            ImportId = parsed.GetRequiredValue(Id), KeepImage = parsed.GetValue(KeepImage),
        };
        var released = await invocation.Client.Imports.ReleaseImportAsync(request, invocation.Call);
        if (invocation.Output.Json) invocation.Output.Result(released, () => "");
        else invocation.Output.Note($"Released import {request.ImportId}, {ByteText.Format(released.FreedBytes)} freed.");
    }
}
