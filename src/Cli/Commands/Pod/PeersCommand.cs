using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;
using Stagectl.Output;

namespace Stagectl.Commands.Pod;

/// <summary><c>peers</c>: this pod and the others, as this one knows them.</summary>
internal static class PeersCommand
{
    public static Command Create(CommandRunner runner)
    {
        var command = new Command("peers", "Lists this pod and its peers: who can be reached, and why not.");
        runner.AddExamples(command, "stagectl peers", "stagectl peers --json | jq -r 'select(.failure != \"\").name'");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var answer = await invocation.Client.Peers.ListPeersAsync(new ListPeersRequest(), invocation.Call);
        var table = new TextTable("NAME", "ADDRESS", "REACHABLE", "SINCE", "FREE", "VERSION", "NOTE");
        invocation.Output.List([answer.Self, .. answer.Peers], table, peer =>
        [
            peer.Name,
            peer.Address,
            ReferenceEquals(peer, answer.Self) ? "self" : peer.Reachable ? "yes" : "no",
            TimeText.Format(peer.Since),
            peer.Capacity is { } capacity ? ByteText.Format(capacity.FreeBytes) : "",
            peer.Version,
            string.Join("; ", Notes(peer)),
        ]);
    }

    private static IEnumerable<string> Notes(Peer peer)
    {
        if (peer.Draining) yield return "draining";
        if (peer.Absent) yield return "its record is gone";
        if (peer.Failure.Length > 0) yield return peer.Failure;
    }
}
