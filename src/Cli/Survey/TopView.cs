using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Spectre.Console;
using Spectre.Console.Rendering;
using Stagectl.Output;
using Stagectl.Progress;
using StageState = Glance.Sidecar.V1.StageProgress.Types.State;

namespace Stagectl.Survey;

/// <summary>What <c>top</c> draws of a pod. Remembers how far things were, to tell how fast they go.</summary>
internal sealed class TopView
{
    private const int BarWidth = 24;

    private readonly Dictionary<string, RateMeter> _meters = [];

    public IRenderable Draw(PodStatus status)
    {
        var parts = new List<IRenderable> { Head(status), Uploads(status), Imports(status) };
        if (status.Peers.Count > 0) parts.Add(Peers(status));
        Forget(status);
        return new Rows(parts);
    }

    private static Grid Head(PodStatus status)
    {
        var capacity = status.Capacity;
        var used = capacity.TotalBytes - capacity.FreeBytes;
        var accepts = capacity.AcceptsUploads
            ? "[green]accepts uploads[/]"
            : $"[red]refuses uploads: {Markup.Escape(capacity.Refusal)}[/]";
        var health = Markup.Escape(status.Health.Status.ToString());
        return new Grid().AddColumn().AddColumn()
            .AddRow("[bold]Server[/]", $"{Markup.Escape(status.Server)}  {health}  {accepts}")
            .AddRow(
                "[bold]Volume[/]",
                $"{Bar(used, capacity.TotalBytes)} {Of(capacity.FreeBytes)} free of {Of(capacity.TotalBytes)}, "
                + $"{Of(capacity.ReservedBytes)} reserved, {Of(capacity.AvailableBytes)} for one upload")
            .AddRow("[bold]Staged[/]", $"{capacity.StagedImages} images, {Of(capacity.StagedBytes)}");
    }

    private Table Uploads(PodStatus status)
    {
        var table = NewTable("Uploads", "IMAGE", "STATE", "PROGRESS", "RATE", "SINCE");
        foreach (var upload in status.Uploads)
        {
            var rate = Rate("upload " + upload.ImageId, upload.ReceivedOffset);
            var progress = upload.HasDeclaredSize
                ? $"{Bar(upload.ReceivedOffset, upload.DeclaredSize)} {Of(upload.ReceivedOffset)} of {Of(upload.DeclaredSize)}"
                : Of(upload.ReceivedOffset);
            table.AddRow(
                upload.ImageId, upload.State.ToString(), progress, rate > 0 ? Of(rate) + "/s" : "-",
                Age(upload.StartedAt));
        }

        return table;
    }

    private Table Imports(PodStatus status)
    {
        var table = NewTable("Imports", "IMPORT", "STATE", "STAGE", "PROGRESS", "SINCE");
        foreach (var import in status.Imports)
        {
            var stage = import.Stages.FirstOrDefault(stage => stage.State == StageState.Running);
            table.AddRow(
                import.ImportId, import.State.ToString(), stage is null ? "-" : Markup.Escape(stage.Name),
                stage is null ? "-" : Describe(import.ImportId, stage), Age(import.CreatedAt));
        }

        return table;
    }

    private string Describe(string import, StageProgress stage)
    {
        var text = StageText.Describe(stage, Rate($"{import} {stage.Name}", stage.BytesDone));
        return stage.BytesTotal > 0 ? $"{Bar(stage.BytesDone, stage.BytesTotal)} {text}" : text;
    }

    private static Table Peers(PodStatus status)
    {
        var table = NewTable("Peers", "NAME", "STATE", "FREE", "IMAGES", "NOTE");
        foreach (var peer in status.Peers)
        {
            table.AddRow(
                Markup.Escape(peer.Name), peer.Reachable ? "[green]reachable[/]" : "[red]unreachable[/]",
                peer.Capacity is { } capacity ? Of(capacity.FreeBytes) : "-",
                peer.Capacity is { } staged ? $"{staged.StagedImages}" : "-", Markup.Escape(peer.Failure));
        }

        return table;
    }

    private static Table NewTable(string title, params string[] columns) =>
        new Table().Title($"[bold]{title}[/]").Border(TableBorder.Minimal).Expand().AddColumns(columns);

    // Of signs that every terminal has; never longer than its width, whatever the numbers say.
    private static string Bar(double done, double total)
    {
        var full = total > 0 ? (int)Math.Round(Math.Clamp(done / total, 0, 1) * BarWidth) : 0;
        return $"[blue]{new string('#', full)}[/][grey]{new string('.', BarWidth - full)}[/]";
    }

    private double Rate(string subject, ulong bytes)
    {
        if (!_meters.TryGetValue(subject, out var meter)) _meters[subject] = meter = new RateMeter();
        meter.Advance((long)bytes);
        return meter.BytesPerSecond;
    }

    private void Forget(PodStatus status)
    {
        var alive = status.Uploads.Select(upload => "upload " + upload.ImageId)
            .Concat(status.Imports.SelectMany(import => import.Stages.Select(stage => $"{import.ImportId} {stage.Name}")))
            .ToHashSet(StringComparer.Ordinal);
        foreach (var subject in _meters.Keys.Where(subject => !alive.Contains(subject)).ToList()) _meters.Remove(subject);
    }

    private static string Of(double bytes) => ByteText.Format(bytes);

    private static string Age(Timestamp? time) =>
        time is null ? "-" : TimeText.Format(TimeProvider.System.GetUtcNow() - time.ToDateTimeOffset());
}
