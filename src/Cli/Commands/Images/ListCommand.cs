using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;
using Stagectl.Connection;
using Stagectl.Output;

namespace Stagectl.Commands.Images;

/// <summary><c>ls</c>: the staged images.</summary>
internal static class ListCommand
{
    public static Command Create(CommandRunner runner)
    {
        var command = new Command("ls", "Lists the staged images, oldest first.");
        runner.AddExamples(command, "stagectl ls", "stagectl ls --json | jq -r 'select(.projectId == \"demo\").imageId'");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        using var call = invocation.Client.Staging.ListImages(new ListImagesRequest(), invocation.Call);
        var images = await call.ResponseStream.ToListAsync(invocation);
        invocation.Output.List(images, new TextTable("IMAGE", "SIZE", "ORIGIN", "COMMITTED", "PROJECT"), image =>
        [
            image.ImageId,
            ByteText.Format(image.Size),
            image.Origin.ToString(),
            TimeText.Format(image.CommittedAt),
            image.ProjectId,
        ]);
    }
}
