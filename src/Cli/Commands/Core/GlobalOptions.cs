using System.CommandLine;
using System.CommandLine.Parsing;
using Stagectl.Connection;
using Stagectl.Output;

namespace Stagectl.Commands.Core;

/// <summary>Options that every command takes, before or after its name.</summary>
internal sealed class GlobalOptions
{
    public const string ServerName = "--server";

    private readonly Option<Uri> _server = new(ServerName)
    {
        Description = $"Where the sidecar listens: {ServerAddress.Forms}. Default: {ServerAddress.Variable}, else its "
            + "Unix socket.",
        HelpName = "ADDRESS",
        Recursive = true,
        CustomParser = result => ParseServer(result, result.Tokens[0].Value),
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print JSON: results to standard output, one document a line; progress and errors to standard error.",
        Recursive = true,
    };

    private readonly Option<bool> _quiet = new("--quiet", "-q")
    {
        Description = "No progress and no notes.",
        Recursive = true,
    };

    private readonly Option<TimeSpan?> _timeout = new("--timeout")
    {
        Description = "Give up after this time (30s, 5m, 1h). Default: never.",
        HelpName = "DURATION",
        Recursive = true,
        CustomParser = result => Parsers.Duration(result),
    };

    public void AddTo(RootCommand root)
    {
        root.Add(_server);
        root.Add(_json);
        root.Add(_quiet);
        root.Add(_timeout);
    }

    /// <summary>Null when the environment names an address that is none.</summary>
    public Uri? Server(ParseResult parsed) =>
        parsed.GetValue(_server) ?? (ServerAddress.TryParse(ServerAddress.Default, out var address) ? address : null);

    public DateTime? Deadline(ParseResult parsed) =>
        parsed.GetValue(_timeout) is { } timeout ? DateTime.UtcNow + timeout : null;

    /// <summary>Works for wrong arguments too, which are to be told as JSON when --json is among them.</summary>
    public Printer CreatePrinter(ParseResult parsed) =>
        new(parsed.GetResult(_json) is { Implicit: false }, parsed.GetResult(_quiet) is { Implicit: false });

    private static Uri? ParseServer(ArgumentResult result, string text)
    {
        if (ServerAddress.TryParse(text, out var address)) return address;
        result.AddError($"'{text}' is not an address: use {ServerAddress.Forms}.");
        return null;
    }
}
