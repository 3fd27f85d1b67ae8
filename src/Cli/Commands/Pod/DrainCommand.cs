using System.CommandLine;
using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Stagectl.Commands.Core;
using Stagectl.Failures;
using Stagectl.Output;
using Stagectl.Progress;

namespace Stagectl.Commands.Pod;

/// <summary><c>drain</c>: empties the sidecar before its pod goes.</summary>
internal static class DrainCommand
{
    private static readonly Option<TimeSpan?> Grace = new("--grace")
    {
        Description = "How long running uploads and imports may take to end. Default: the one configured.",
        HelpName = "DURATION",
        CustomParser = Parsers.DurationOrZero,
    };

    public static Command Create(CommandRunner runner)
    {
        var command = new Command(
            "drain",
            "Takes nothing new, lets running uploads and imports end, and hands staged images over to the other pods. "
            + "Shows what is left; exit code 0 only when nothing is. Ctrl-C leaves the drain running.")
        {
            Grace,
        };
        runner.AddExamples(command, "stagectl drain", "stagectl drain --grace 5m --json | jq .left");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var request = new DrainRequest { Grace = parsed.GetValue(Grace)?.ToDuration() };
        var drain = await ProgressDisplay.RunAsync(
            invocation.Output, display => FollowAsync(invocation, request, new DrainDisplay(display)));
        invocation.Output.Result(drain, () => Describe(drain));
        if (drain.Left.Count == 0) return;
        throw new CommandException(Failure.Refused(
            StatusCode.FailedPrecondition, "NOT_EMPTY", $"The pod is not empty: {Count(drain)} left, and nothing of it is lost."));
    }

    private static async Task<Drain> FollowAsync(Invocation invocation, DrainRequest request, DrainDisplay display)
    {
        using var call = invocation.Client.Peers.Drain(request, invocation.Call);
        Drain? last = null;
        while (await call.ResponseStream.MoveNext(invocation.Interrupted))
        {
            last = call.ResponseStream.Current.Drain;
            display.Show(last);
        }

        return last ?? throw new RpcException(new Status(StatusCode.Internal, "The sidecar told nothing of the drain."));
    }

    private static string Describe(Drain drain)
    {
        var moved = $"{drain.ImagesMoved} images handed over, {ByteText.Format(drain.BytesMoved)} "
            + $"({ByteText.Format(drain.BytesSent)} sent).";
        if (drain.Left.Count == 0) return $"{moved} Nothing is left.";
        var table = new TextTable("LEFT", "IMAGE", "IMPORT", "SIZE", "WHY");
        foreach (var left in drain.Left)
        {
            table.Add(left.Kind.ToString(), left.ImageId, left.ImportId, ByteText.Format(left.Bytes), left.Reason);
        }

        return $"{moved}\n\n{table}".TrimEnd();
    }

    private static string Count(Drain drain) => string.Join(
        ", ", drain.Left.GroupBy(left => left.Kind).Select(kind => $"{kind.Count()} {Name(kind.Key)}"));

    private static string Name(Remainder.Types.Kind kind) => kind switch
    {
        Remainder.Types.Kind.Image => "staged images",
        Remainder.Types.Kind.Upload => "unfinished uploads",
        Remainder.Types.Kind.Import => "imports",
        _ => "others",
    };
}
