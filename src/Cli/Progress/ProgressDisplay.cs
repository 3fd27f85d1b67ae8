using Spectre.Console;
using Stagectl.Output;

namespace Stagectl.Progress;

/// <summary>Chooses the display that fits where standard error goes.</summary>
internal static class ProgressDisplay
{
    /// <summary>Runs <paramref name="work"/> with a display that is gone when it ends, however it ends.</summary>
    public static async Task<T> RunAsync<T>(Printer output, Func<IProgressDisplay, Task<T>> work)
    {
        if (output.Quiet) return await work(new SilentDisplay());
        if (output.Json) return await work(new JsonDisplay(output));
        if (!IsTerminal()) return await work(new LineDisplay(output));
        var terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await BarDisplay.RunAsync(terminal, work);
    }

    private static bool IsTerminal() =>
        !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
}
