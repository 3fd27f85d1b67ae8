using System.CommandLine;
using Stagectl.Connection;
using Stagectl.Failures;

namespace Stagectl.Commands.Core;

/// <summary>Runs a command's body with an invocation, and turns what it throws into an error line and an exit code.</summary>
internal sealed class CommandRunner(GlobalOptions globals)
{
    // Long enough for a sidecar's restart, short enough for a person who waits.
    private static readonly TimeSpan DefaultRetryFor = TimeSpan.FromMinutes(1);

    private readonly Dictionary<Command, string[]> _examples = [];

    public IReadOnlyDictionary<Command, string[]> Examples => _examples;

    public void AddExamples(Command command, params string[] lines) => _examples[command] = lines;

    public void Handle(Command command, Func<ParseResult, Invocation, Task> body) =>
        command.SetAction(parsed => RunAsync(parsed, body));

    public static RetryBackoff CreatePatience(TimeSpan? retryFor) => new(retryFor ?? DefaultRetryFor, retryFor is not null);

    private async Task<int> RunAsync(ParseResult parsed, Func<ParseResult, Invocation, Task> body)
    {
        var output = globals.CreatePrinter(parsed);
        if (globals.Server(parsed) is not { } address)
        {
            var failure = Failure.Usage($"{ServerAddress.Variable} is not an address: use {ServerAddress.Forms}.");
            output.Fail(failure);
            return failure.ExitCode;
        }

        using var interrupt = new Interrupt();
        using var client = new SidecarClient(address);
        var invocation = new Invocation(client, output, globals.Deadline(parsed), interrupt.Token);
        try
        {
            await body(parsed, invocation);
            return ExitCode.Success;
        }
        catch (Exception exception) when (invocation.Explain(exception) is { } failure)
        {
            output.Fail(failure);
            return failure.ExitCode;
        }
    }
}
