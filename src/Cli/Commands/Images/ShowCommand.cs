using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;

namespace Stagectl.Commands.Images;

/// <summary><c>show</c>: one staged image.</summary>
internal static class ShowCommand
{
    private static readonly Argument<string> Image = Symbols.ImageId();

    public static Command Create(CommandRunner runner)
    {
        var command = new Command("show", "Shows a staged image: size, digests, path.") { Image };
        runner.AddExamples(command, "stagectl show $id", "stagectl show $id --json | jq -r .digests.crc32c");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var request = new GetImageRequest { ImageId = parsed.GetRequiredValue(Image) };
        var image = await invocation.Client.Staging.GetImageAsync(request, invocation.Call);
        invocation.Output.Result(image, () => Sheets.Of(image));
    }
}
