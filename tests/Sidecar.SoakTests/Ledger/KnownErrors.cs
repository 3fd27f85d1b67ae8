using System.Text.RegularExpressions;
using Google.Rpc;
using Grpc.Core;

namespace Sidecar.SoakTests.Ledger;

/// <summary>The reasons that docs/api.md lists, each with its status.</summary>
internal sealed partial class KnownErrors
{
    private readonly Dictionary<string, StatusCode> _statuses;

    private KnownErrors(Dictionary<string, StatusCode> statuses) => _statuses = statuses;

    public static KnownErrors Read() => new(Row()
        .Matches(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "api.md")))
        .ToDictionary(row => row.Groups[1].Value, row => ToCode(row.Groups[2].Value), StringComparer.Ordinal));

    /// <summary>Null when the call ended without a reason.</summary>
    public static string? ReasonOf(RpcException failure)
    {
        if (failure.Trailers.GetValueBytes("grpc-status-details-bin") is not { } details) return null;
        var first = Google.Rpc.Status.Parser.ParseFrom(details).Details.FirstOrDefault();
        return first is not null && first.TryUnpack<ErrorInfo>(out var info) ? info.Reason : null;
    }

    public bool Has(string reason, StatusCode status) => _statuses.TryGetValue(reason, out var known) && known == status;

    // DEADLINE_EXCEEDED is DeadlineExceeded.
    private static StatusCode ToCode(string name) =>
        Enum.Parse<StatusCode>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);

    [GeneratedRegex("^\\| `([A-Z_]+)` \\| ([A-Z_]+) \\|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
