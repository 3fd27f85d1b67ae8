using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;

namespace Stagectl.Commands.Importing;

/// <summary><c>cancel</c>: stops an import.</summary>
internal static class CancelCommand
{
    private static readonly Argument<string> Id = Symbols.ImportId();

    public static Command Create(CommandRunner runner)
    {
        var command = new Command(
            "cancel", "Cancels an import and waits until its programs are dead and its files gone.") { Id };
        runner.AddExamples(command, "stagectl cancel $import");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var request = new CancelImportRequest { ImportId = parsed.GetRequiredValue(Id) };
        var import = await invocation.Client.Imports.CancelImportAsync(request, invocation.Call);
        if (invocation.Output.Json) invocation.Output.Result(import, () => "");
        else invocation.Output.Note(Describe(import));
    }

    private static string Describe(Import import) => import.State == Import.Types.State.Cancelled
        ? $"Import {import.ImportId} is cancelled."
        : $"Import {import.ImportId} had ended before: {import.State}.";
}
