using System.CommandLine;
using System.Text.Json.Nodes;
using Glance.Sidecar.V1;
using Grpc.Health.V1;
using Stagectl.Connection;
using Stagectl.Output;

namespace Stagectl.Commands;

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
        var client = invocation.Client;
        var health = await client.Health.CheckAsync(new HealthCheckRequest(), invocation.Call);
        var capacity = await client.Staging.GetCapacityAsync(new GetCapacityRequest(), invocation.Call);
        using var uploadCall = client.Staging.ListUploads(new ListUploadsRequest(), invocation.Call);
        var uploads = await uploadCall.ResponseStream.ToListAsync(invocation);
        using var importCall = client.Imports.ListImports(new ListImportsRequest(), invocation.Call);
        var imports = await importCall.ResponseStream.ToListAsync(invocation);
        imports.RemoveAll(import => import.State is not (Import.Types.State.Queued or Import.Types.State.Running));
        invocation.Output.Result(
            () => new JsonObject
            {
                ["server"] = client.Address.ToString(),
                ["health"] = ProtoJson.Node(health)["status"]!.DeepClone(),
                ["capacity"] = ProtoJson.Node(capacity),
                ["uploads"] = new JsonArray([.. uploads.Select(ProtoJson.Node)]),
                ["imports"] = new JsonArray([.. imports.Select(ProtoJson.Node)]),
            },
            () => Describe(client, health, capacity) + Tables(uploads, imports));
    }

    private static string Describe(SidecarClient client, HealthCheckResponse health, Capacity capacity) => new FactSheet()
        .Add("Server", client.Address.ToString())
        .Add("Health", health.Status.ToString())
        .Add("Directory", capacity.StagingDirectory)
        .Add("Uploads", capacity.AcceptsUploads ? "accepted" : $"refused: {capacity.Refusal}")
        .Add("Volume", $"{ByteText.Format(capacity.FreeBytes)} free of {ByteText.Format(capacity.TotalBytes)}")
        .Add("Available", $"{ByteText.Format(capacity.AvailableBytes)} for one upload, "
            + $"{ByteText.Format(capacity.ReservedBytes)} reserved")
        .Add("Staged", $"{capacity.StagedImages} images, {ByteText.Format(capacity.StagedBytes)}")
        .Add("Unmanaged", $"{capacity.UnmanagedFiles} files, {ByteText.Format(capacity.UnmanagedBytes)}")
        .ToString();

    private static string Tables(List<Upload> uploads, List<Import> imports)
    {
        var uploadRows = uploads.Select(UploadsCommand.CreateRow).ToList();
        var importRows = imports.Select(ImportsCommand.CreateRow).ToList();
        return Section("Unfinished uploads", UploadsCommand.CreateTable(), uploadRows)
            + Section("Imports under way", ImportsCommand.CreateTable(), importRows);
    }

    private static string Section(string title, TextTable table, List<string[]> rows)
    {
        if (rows.Count == 0) return "";
        foreach (var row in rows) table.Add(row);
        return $"\n\n{title}:\n{table}".TrimEnd();
    }
}
