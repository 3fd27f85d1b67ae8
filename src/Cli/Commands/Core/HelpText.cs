using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Stagectl.Commands.Core;

/// <summary>What --help prints, followed by examples and the exit codes.</summary>
internal sealed class HelpText(HelpAction usual, IReadOnlyDictionary<Command, string[]> examples)
    : SynchronousCommandLineAction
{
    // As --help goes without the arguments that a command needs.
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        usual.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        if (examples.TryGetValue(parseResult.CommandResult.Command, out var lines))
        {
            output.WriteLine("Examples:");
            foreach (var line in lines) output.WriteLine($"  {line}");
            output.WriteLine();
        }

        output.WriteLine(ExitCode.Help);
        return ExitCode.Success;
    }
}
