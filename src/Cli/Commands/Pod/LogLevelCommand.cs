using System.CommandLine;
using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Stagectl.Commands.Core;
using Stagectl.Output;

namespace Stagectl.Commands.Pod;

/// <summary><c>log-level</c>: how much the sidecar logs, shown or changed while it runs.</summary>
internal static class LogLevelCommand
{
    private static readonly Argument<string> Category = new("CATEGORY")
    {
        Description = "Start of the names of the loggers that are meant, such as Sidecar.Import, or Default.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string> Level = new("LEVEL")
    {
        Description = "Trace, Debug, Information, Warning, Error, Critical or None.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<TimeSpan?> For = new("--for")
    {
        Description = "Back to the configured level after this time, at most 24h. Default: at the next start.",
        HelpName = "DURATION",
        CustomParser = Parsers.Duration,
    };

    private static readonly Option<bool> Reset = new("--reset")
    {
        Description = "Back to the configured level now.",
    };

    public static Command Create(CommandRunner runner)
    {
        var command = new Command("log-level", "Shows how much the sidecar logs, or changes it while it runs.")
        {
            Category, Level, For, Reset,
        };
        command.Validators.Add(result =>
        {
            var hasCategory = result.GetResult(Category) is { Tokens.Count: > 0 };
            var hasLevel = result.GetResult(Level) is { Tokens.Count: > 0 };
            var resets = result.GetResult(Reset) is { Implicit: false };
            if (resets && !hasCategory) result.AddError("--reset needs a CATEGORY.");
            else if (resets && hasLevel) result.AddError("Either a LEVEL or --reset, not both.");
            else if (hasCategory && !hasLevel && !resets) result.AddError("A CATEGORY needs a LEVEL, or --reset.");
            else if (!hasLevel && result.GetResult(For) is { Implicit: false }) result.AddError("--for needs a LEVEL.");
        });
        runner.AddExamples(
            command, "stagectl log-level", "stagectl log-level Sidecar.Import Debug --for 10m",
            "stagectl log-level Sidecar.Import --reset");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var client = invocation.Client.Operations;
        if (parsed.GetValue(Category) is { Length: > 0 } category)
        {
            var request = new SetLogLevelRequest
            {
                Category = category,
                Level = parsed.GetValue(Level) ?? "",
                RevertAfter = parsed.GetValue(For)?.ToDuration(),
            };
            var level = await client.SetLogLevelAsync(request, invocation.Call);
            invocation.Output.Result(level, () => Describe(level));
            return;
        }

        var answer = await client.GetLogLevelsAsync(new GetLogLevelsRequest(), invocation.Call);
        invocation.Output.List(
            answer.Levels, new TextTable("CATEGORY", "LEVEL", "CONFIGURED", "UNTIL"),
            each => [each.Category, each.Level, each.Configured, Until(each)]);
    }

    private static string Describe(LogLevel level)
    {
        if (level.Changed) return $"{level.Category}: {level.Level} until {Until(level)}";
        return $"{level.Category}: {(level.Configured.Length > 0 ? level.Configured : "as the others")}";
    }

    private static string Until(LogLevel level) => !level.Changed
        ? "" : level.RevertsAt is { } time ? $"{time.ToDateTimeOffset():u}" : "the next start";
}
