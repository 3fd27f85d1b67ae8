using System.Collections.Concurrent;
using Glance.Sidecar.V1;
using Spectre.Console;
using Spectre.Console.Rendering;
using State = Glance.Sidecar.V1.StageProgress.Types.State;

namespace Stagectl.Progress;

/// <summary>A bar for each stage, redrawn in place; for terminals only.</summary>
internal sealed class BarDisplay : IProgressDisplay
{
    private readonly IAnsiConsole _terminal;
    private readonly ProgressContext _context;
    private readonly DetailColumn _details;
    private readonly Dictionary<string, (ProgressTask Bar, RateMeter Meter)> _bars = [];

    private BarDisplay(IAnsiConsole terminal, ProgressContext context, DetailColumn details) =>
        (_terminal, _context, _details) = (terminal, context, details);

    public static Task<T> RunAsync<T>(IAnsiConsole terminal, Func<IProgressDisplay, Task<T>> work)
    {
        var details = new DetailColumn();
        var name = new TaskDescriptionColumn { Alignment = Justify.Left };
        return terminal.Progress()
            .Columns(name, new ProgressBarColumn { Width = 30 }, details)
            .StartAsync(context => work(new BarDisplay(terminal, context, details)));
    }

    public void Show(StageProgress stage)
    {
        if (!_bars.TryGetValue(stage.Name, out var shown)) _bars[stage.Name] = shown = (AddBar(stage), new RateMeter());
        var (bar, meter) = shown;
        meter.Advance((long)stage.BytesDone);
        if (stage.State != State.Pending && !bar.IsStarted) bar.StartTask();
        var full = stage.State is State.Succeeded or State.Skipped;
        bar.IsIndeterminate = stage is { BytesTotal: 0, State: State.Running };
        bar.MaxValue = Math.Max(1, full ? stage.BytesDone : stage.BytesTotal);
        bar.Value = full ? bar.MaxValue : stage.BytesDone;
        _details.Set(bar, StageText.Describe(stage, meter.BytesPerSecond));
    }

    public void Note(string text) => _terminal.WriteLine(text);

    private ProgressTask AddBar(StageProgress stage) => _context.AddTask(Markup.Escape(stage.Name), autoStart: false);

    /// <summary>What the bar means in numbers. Spectre's own columns count what was there before as transferred.</summary>
    private sealed class DetailColumn : ProgressColumn
    {
        private const int Width = 50; // the longest text; a width that changes would make the bars jump

        private readonly ConcurrentDictionary<int, string> _texts = new(); // drawn from a thread of Spectre's

        protected override bool NoWrap => true;

        public void Set(ProgressTask bar, string text) => _texts[bar.Id] = text;

        public override int? GetColumnWidth(RenderOptions options) => Width;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(_texts.GetValueOrDefault(task.Id, "")).Overflow(Overflow.Ellipsis);
    }
}
