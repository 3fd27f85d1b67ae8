using System.CommandLine;
using Grpc.Core;
using Spectre.Console;
using Stagectl.Commands.Core;
using Stagectl.Survey;

namespace Stagectl.Commands.Pod;

/// <summary><c>top</c>: what <c>status</c> shows, live.</summary>
internal static class TopCommand
{
    private static readonly Option<TimeSpan?> Interval = new("--interval")
    {
        Description = "Time between two looks. Default: 1s.",
        HelpName = "DURATION",
        CustomParser = Parsers.Duration,
    };

    private static readonly Option<int> Count = new("--count")
    {
        Description = "End after so many looks. Default: go on until Ctrl-C.",
        HelpName = "NUMBER",
        CustomParser = Parsers.Positive,
    };

    // Width when stdout is no terminal: ids are not to be broken.
    private const int PlainWidth = 160;

    public static Command Create(CommandRunner runner)
    {
        var command = new Command(
            "top",
            "Shows space, uploads and imports with their progress and pace, and peers, again and again until Ctrl-C. Where "
            + "standard output is not a terminal, or with --json, one document or page a look.")
        {
            Interval, Count,
        };
        runner.AddExamples(command, "stagectl top", "stagectl top --json --count 1 | jq .capacity");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var looks = parsed.GetValue(Count) is var count and > 0 ? count : int.MaxValue;
        var interval = parsed.GetValue(Interval) ?? TimeSpan.FromSeconds(1);
        try
        {
            if (invocation.Output.Json || Console.IsOutputRedirected) await PrintAsync(invocation, looks, interval);
            else await DrawAsync(invocation, looks, interval);
        }
        catch (Exception left) when (invocation.Interrupted.IsCancellationRequested
            && left is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
        {
            // Ctrl-C is how one leaves, between two looks and in the middle of one.
        }
    }

    private static async Task PrintAsync(Invocation invocation, int looks, TimeSpan interval)
    {
        var (plain, view) = (AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No }), new TopView());
        plain.Profile.Width = PlainWidth;
        await foreach (var status in LookAsync(invocation, looks, interval))
        {
            if (invocation.Output.Json) invocation.Output.Result(status.ToJson, () => "");
            else plain.Write(view.Draw(status));
        }
    }

    private static Task DrawAsync(Invocation invocation, int looks, TimeSpan interval)
    {
        var view = new TopView();
        return AnsiConsole.Live(new Text("")).AutoClear(false).Overflow(VerticalOverflow.Crop).StartAsync(async live =>
        {
            await foreach (var status in LookAsync(invocation, looks, interval)) live.UpdateTarget(view.Draw(status));
        });
    }

    private static async IAsyncEnumerable<PodStatus> LookAsync(Invocation invocation, int looks, TimeSpan interval)
    {
        for (var look = 0; look < looks; look++)
        {
            if (look > 0) await Task.Delay(interval, invocation.Interrupted);
            yield return await PodStatus.TakeAsync(invocation);
        }
    }
}
