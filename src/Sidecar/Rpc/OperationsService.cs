using System.Text.RegularExpressions;
using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Sidecar.Peers.Calls;
using Sidecar.Staging.Core;
using Sidecar.Telemetry;
using Enum = System.Enum;
using Level = Microsoft.Extensions.Logging.LogLevel;
using LevelMessage = Glance.Sidecar.V1.LogLevel;

namespace Sidecar.Rpc;

/// <summary>The Operations service: what a person does to a sidecar that runs.</summary>
internal sealed partial class OperationsService(
    LogLevels levels, IConfiguration configuration, ForwardMark mark, TimeProvider clock) : Operations.OperationsBase
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    public override Task<LevelMessage> SetLogLevel(SetLogLevelRequest request, ServerCallContext context)
    {
        mark.RefusePeers(context);
        var category = Category(request.Category);
        if (request.Level.Length == 0) levels.Reset(category);
        else levels.Set(category, LevelOf(request.Level), Time(request.RevertAfter), clock);
        return Task.FromResult(
            Look().FirstOrDefault(level => level.Category.Equals(category, StringComparison.OrdinalIgnoreCase))
                ?? new LevelMessage { Category = category });
    }

    public override Task<GetLogLevelsResponse> GetLogLevels(GetLogLevelsRequest request, ServerCallContext context)
    {
        mark.RefusePeers(context);
        return Task.FromResult(new GetLogLevelsResponse { Levels = { Look() } });
    }

    private IEnumerable<LevelMessage> Look() =>
        levels.Look((IConfigurationRoot)configuration).Select(level => new LevelMessage
    {
        Category = level.Category,
        Level = level.Level.ToString(),
        Configured = level.Configured?.ToString() ?? "",
        Changed = level.Changed,
        RevertsAt = level.RevertsAt?.ToTimestamp(),
    });

    private static string Category(string category)
    {
        if (category.Length == 0) return LogLevels.Everything;
        if (CategoryName().IsMatch(category)) return category;
        throw Invalid(
            "The category is not the start of a logger's name; allowed: letters, digits, dots and underscores, at most "
            + "200, such as Sidecar.Import, or Default.");
    }

    // By name only: numbers would be taken for levels too.
    private static Level LevelOf(string text) =>
        Enum.GetNames<Level>().FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } name
            ? Enum.Parse<Level>(name)
            : throw Invalid(
                $"'{Printable(text)}' is not a log level; allowed: {string.Join(", ", Enum.GetNames<Level>())}, or "
                + "nothing for the configured one.");

    private static TimeSpan? Time(Duration? time)
    {
        if (time is null) return null;
        if (time is { Seconds: >= 0, Nanos: >= 0 and < 1_000_000_000 } && time.Seconds <= Longest.TotalSeconds
            && time.ToTimeSpan() is var span && span > TimeSpan.Zero && span <= Longest)
        {
            return span;
        }

        throw Invalid(
            $"revert_after is {time.Seconds} s and {time.Nanos} ns; allowed: more than 0 and at most "
            + $"{Longest.TotalSeconds} s.");
    }

    private static string Printable(string text) =>
        new([.. text.Take(32).Select(character => char.IsControl(character) ? ' ' : character)]);

    private static StagingException Invalid(string message) => new(StagingError.InvalidRequest, message);

    [GeneratedRegex(@"\A[A-Za-z0-9_.]{1,200}\z")]
    private static partial Regex CategoryName();
}
