using System.CommandLine;
using System.Text.Json.Nodes;
using Glance.Sidecar.V1;
using Grpc.Core;
using Stagectl.Commands.Core;
using Stagectl.Failures;
using Stagectl.Output;

namespace Stagectl.Commands.Images;

/// <summary><c>rm</c>: removes images with all that belongs to them.</summary>
internal static class RemoveCommand
{
    private static readonly Argument<string[]> Images = Symbols.ImageIds();

    private static readonly Option<bool> Force = new("--force", "-f")
    {
        Description = "It is no error when there is nothing to remove.",
    };

    private static readonly Option<bool> OnlyHere = new("--only-here")
    {
        Description = "Only on the pod that is asked; its peers are not told.",
    };

    public static Command Create(CommandRunner runner)
    {
        var command = new Command(
            "rm",
            "Removes images, unfinished uploads of them, and their imports, on every pod; running imports are cancelled.")
        {
            Images, Force, OnlyHere,
        };
        runner.AddExamples(command, "stagectl rm $id", "stagectl ls --json | jq -r .imageId | xargs stagectl rm");
        runner.Handle(command, RunAsync);
        return command;
    }

    /// <summary>Removes all that are there before it complains of one that is not.</summary>
    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var missing = new List<string>();
        foreach (var id in parsed.GetRequiredValue(Images))
        {
            var request = new DeleteImageRequest { ImageId = id, OnlyHere = parsed.GetValue(OnlyHere) };
            var deleted = await invocation.Client.Staging.DeleteImageAsync(request, invocation.Call);
            // Where a pod did not answer nobody can say that there was nothing.
            if (!deleted.Existed && deleted.PendingPeers.Count == 0) missing.Add(id);
            if (invocation.Output.Json) invocation.Output.Result(() => Describe(id, deleted), () => "");
            else Report(id, deleted, invocation.Output);
        }

        if (missing.Count == 0 || parsed.GetValue(Force)) return;
        throw new CommandException(Failure.Refused(
            StatusCode.NotFound, "IMAGE_NOT_FOUND", $"Nothing of {string.Join(", ", missing)} was here to remove."));
    }

    private static void Report(string id, DeleteImageResponse deleted, Printer output)
    {
        if (deleted.Existed) output.Note($"Removed image {id}, {ByteText.Format(deleted.FreedBytes)} freed.");
        if (deleted.PendingPeers.Count == 0) return;
        output.Note($"Not answered by {string.Join(", ", deleted.PendingPeers)}: told to remove {id} when back.");
    }

    private static JsonNode Describe(string id, DeleteImageResponse deleted)
    {
        var document = ProtoJson.Node(deleted);
        document["imageId"] = id;
        return document;
    }
}
