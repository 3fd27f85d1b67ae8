using System.CommandLine;
using System.CommandLine.Invocation;
using Stagectl.Commands;
using Stagectl.Commands.Core;
using Stagectl.Failures;

namespace Stagectl;

/// <summary>From arguments to exit code.</summary>
internal static class StagectlProcess
{
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var globals = new GlobalOptions();
        var root = Root.Create(globals);
        // "@" begins a file name like any other.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            var command = parsed.CommandResult.Command;
            var hint = command == root ? "stagectl --help" : $"stagectl {command.Name} --help";
            var problem = string.Join(" ", parsed.Errors.Select(error => error.Message));
            var failure = Failure.Usage($"{problem} See {hint}.");
            globals.CreatePrinter(parsed).Fail(failure);
            return failure.ExitCode;
        }

        var invocation = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false, // a bug deserves its stack trace
            ProcessTerminationTimeout = null, // Interrupt sees to signals
        };
        return await parsed.InvokeAsync(invocation, CancellationToken.None);
    }
}
