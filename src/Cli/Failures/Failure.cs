using System.Text.Json;
using Google.Rpc;
using Grpc.Core;

namespace Stagectl.Failures;

/// <summary>Why a command failed, as the user and a script are told.</summary>
/// <param name="Code">Name of the gRPC status.</param>
/// <param name="Reason">Stable: the sidecar's own, or one of this program's.</param>
/// <param name="Message">One sentence for a person.</param>
internal sealed record Failure(
    int ExitCode, string Code, string Reason, string Message, IReadOnlyDictionary<string, string> Facts)
{
    private static readonly Dictionary<string, string> NoFacts = [];

    public static Failure Usage(string message) =>
        new(Stagectl.ExitCode.Usage, "INVALID_ARGUMENT", "USAGE", message, NoFacts);

    public static Failure Local(string message) =>
        new(Stagectl.ExitCode.Usage, "FAILED_PRECONDITION", "LOCAL_FILE", message, NoFacts);

    public static Failure Interrupted() =>
        new(Stagectl.ExitCode.Interrupted, "CANCELLED", "INTERRUPTED", "Interrupted.", NoFacts);

    /// <summary>A server that is not there, or does not answer, as a call that found none.</summary>
    public static Failure Unreachable(string message) =>
        new(Stagectl.ExitCode.Unreachable, "UNAVAILABLE", "UNREACHABLE", message, NoFacts);

    /// <summary>A server that cannot show that it is the right one.</summary>
    public static Failure Untrusted(string message) =>
        new(Stagectl.ExitCode.Unreachable, "UNAVAILABLE", "UNTRUSTED", message, NoFacts);

    /// <summary>The time of --timeout is over.</summary>
    public static Failure TimedOut(string message) =>
        new(Stagectl.ExitCode.Unreachable, "DEADLINE_EXCEEDED", "TIMEOUT", message, NoFacts);

    /// <summary>A refusal that this program finds itself, with the exit code of the sidecar's.</summary>
    public static Failure Refused(StatusCode code, string reason, string message) =>
        new(ExitCodeOf(code, reason), NameOf(code), reason, message, NoFacts);

    /// <summary>What a call ended with: the sidecar's refusal, or the transport's failure, which has no reason.</summary>
    public static Failure From(RpcException failure)
    {
        var info = ErrorInfoOf(failure);
        var reason = info?.Reason ?? failure.StatusCode switch
        {
            StatusCode.Unavailable => "UNREACHABLE",
            StatusCode.DeadlineExceeded => "TIMEOUT",
            _ => "",
        };
        return new Failure(
            ExitCodeOf(failure.StatusCode, info?.Reason ?? ""),
            NameOf(failure.StatusCode),
            reason,
            TextOf(failure),
            info?.Metadata.ToDictionary() ?? NoFacts);
    }

    /// <summary>The sidecar's reason; empty when the failure is not its own.</summary>
    public static string ReasonOf(RpcException failure) => ErrorInfoOf(failure)?.Reason ?? "";

    /// <summary>The sidecar's words, or of a connection that broke those of the innermost exception.</summary>
    public static string TextOf(RpcException failure) =>
        failure.Status.DebugException?.GetBaseException().Message ?? failure.Status.Detail;

    public Failure With(string moreText, params (string Name, string Value)[] moreFacts)
    {
        var facts = Facts.ToDictionary();
        foreach (var (name, value) in moreFacts) facts[name] = value;
        return this with { Message = $"{Message} {moreText}".Trim(), Facts = facts };
    }

    private static ErrorInfo? ErrorInfoOf(RpcException failure) =>
        failure.Trailers.GetRpcStatus(ignoreParseError: true)?.GetDetail<ErrorInfo>();

    // The same status without a reason comes from the way to the sidecar, not from the sidecar.
    private static int ExitCodeOf(StatusCode code, string reason) => code switch
    {
        StatusCode.Unavailable or StatusCode.DeadlineExceeded when reason.Length == 0 => Stagectl.ExitCode.Unreachable,
        StatusCode.NotFound => Stagectl.ExitCode.NotFound,
        _ => Stagectl.ExitCode.Refused,
    };

    private static string NameOf(StatusCode code) =>
        code == StatusCode.OK ? "OK" : JsonNamingPolicy.SnakeCaseUpper.ConvertName(code.ToString());
}
