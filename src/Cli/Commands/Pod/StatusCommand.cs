using System.CommandLine;
using Stagectl.Commands.Core;
using Stagectl.Commands.Images;
using Stagectl.Commands.Importing;
using Glance.Sidecar.V1;
using Stagectl.Output;
using Stagectl.Survey;

namespace Stagectl.Commands.Pod;

/// <summary><c>status</c>: health, space and what is going on.</summary>
internal static class StatusCommand
{
    public static Command Create(CommandRunner runner)
    {
        var command = new Command("status", "Shows health, space, uploads and imports in flight.");
        runner.AddExamples(command, "stagectl status", "stagectl status --json | jq -r .capacity.availableBytes");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var survey = await PodStatus.TakeAsync(invocation);
        invocation.Output.Result(survey.ToJson, () => Describe(survey) + Tables(survey));
    }

    private static string Describe(PodStatus survey) => new FactSheet()
        .Add("Server", survey.Server)
        .Add("Health", survey.Health.Status.ToString())
        .Add("Directory", survey.Capacity.StagingDirectory)
        .Add("Uploads", survey.Capacity.AcceptsUploads ? "accepted" : $"refused: {survey.Capacity.Refusal}")
        .Add("Volume", $"{ByteText.Format(survey.Capacity.FreeBytes)} free of {ByteText.Format(survey.Capacity.TotalBytes)}")
        .Add("Available", $"{ByteText.Format(survey.Capacity.AvailableBytes)} for one upload, "
            + $"{ByteText.Format(survey.Capacity.ReservedBytes)} reserved")
        .Add("Staged", $"{survey.Capacity.StagedImages} images, {ByteText.Format(survey.Capacity.StagedBytes)}")
        .Add("Unmanaged", $"{survey.Capacity.UnmanagedFiles} files, {ByteText.Format(survey.Capacity.UnmanagedBytes)}")
        .Add("Confinement", Confinement(survey.Condition))
        .ToString();

    private static string Confinement(Condition condition) => string.Join(", ", condition.Confinement.Select(
        layer => layer.Holds ? layer.Mechanism : $"no {layer.Mechanism} ({layer.Missing})"));

    private static string Tables(PodStatus survey)
    {
        var loops = survey.Condition.FailingLoops
            .Select(loop => (string[])[loop.Name, TimeText.Format(loop.Since), loop.Failure]).ToList();
        var damaged = survey.Condition.DamagedRecords
            .Select(record => (string[])[record.Name, TimeText.Format(record.SetAsideAt), record.Why]).ToList();
        var uploadRows = survey.Uploads.Select(UploadsCommand.CreateRow).ToList();
        var importRows = survey.Imports.Select(ImportsCommand.CreateRow).ToList();
        return Section("Background loops that fail", new TextTable("LOOP", "SINCE", "FAILURE"), loops)
            + Section($"Damaged records ({survey.Condition.DamagedRecordCount})", new TextTable("RECORD", "SET ASIDE", "WHY"), damaged)
            + Section("Unfinished uploads", UploadsCommand.CreateTable(), uploadRows)
            + Section("Imports under way", ImportsCommand.CreateTable(), importRows);
    }

    private static string Section(string title, TextTable table, List<string[]> rows)
    {
        if (rows.Count == 0) return "";
        foreach (var row in rows) table.Add(row);
        return $"\n\n{title}:\n{table}".TrimEnd();
    }
}
