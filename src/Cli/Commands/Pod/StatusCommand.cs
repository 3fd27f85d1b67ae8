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
        var status = await PodStatus.TakeAsync(invocation);
        invocation.Output.Result(status.ToJson, () => Describe(status) + Tables(status));
    }

    private static string Describe(PodStatus status) => new FactSheet()
        .Add("Server", status.Server)
        .Add("Health", status.Health.Status.ToString())
        .Add("Directory", status.Capacity.StagingDirectory)
        .Add("Uploads", status.Capacity.AcceptsUploads ? "accepted" : $"refused: {status.Capacity.Refusal}")
        .Add("Volume", $"{ByteText.Format(status.Capacity.FreeBytes)} free of {ByteText.Format(status.Capacity.TotalBytes)}")
        .Add("Available", $"{ByteText.Format(status.Capacity.AvailableBytes)} for one upload, "
            + $"{ByteText.Format(status.Capacity.ReservedBytes)} reserved")
        .Add("Staged", $"{status.Capacity.StagedImages} images, {ByteText.Format(status.Capacity.StagedBytes)}")
        .Add("Unmanaged", $"{status.Capacity.UnmanagedFiles} files, {ByteText.Format(status.Capacity.UnmanagedBytes)}")
        .Add("Confinement", Confinement(status.Condition))
        .ToString();

    private static string Confinement(Condition condition) => string.Join(", ", condition.Confinement.Select(
        layer => layer.Holds ? layer.Mechanism : $"no {layer.Mechanism} ({layer.Missing})"));

    private static string Tables(PodStatus status)
    {
        var loops = status.Condition.FailingLoops
            .Select(loop => (string[])[loop.Name, TimeText.Format(loop.Since), loop.Failure]).ToList();
        var damaged = status.Condition.DamagedRecords
            .Select(record => (string[])[record.Name, TimeText.Format(record.SetAsideAt), record.Why]).ToList();
        var uploadRows = status.Uploads.Select(UploadsCommand.CreateRow).ToList();
        var importRows = status.Imports.Select(ImportsCommand.CreateRow).ToList();
        return Section("Background loops that fail", new TextTable("LOOP", "SINCE", "FAILURE"), loops)
            + Section($"Damaged records ({status.Condition.DamagedRecordCount})", new TextTable("RECORD", "SET ASIDE", "WHY"), damaged)
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
