using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;

namespace Stagectl.Commands.Images;

/// <summary><c>adopt</c>: stages a file that is on the sidecar's volume already.</summary>
internal static class AdoptCommand
{
    private static readonly Argument<string> Image = Symbols.ImageId();

    private static readonly Argument<string> Path = new("PATH")
    {
        Description = "Absolute path, as the sidecar sees it; in its staging directory, or in one of "
            + "Staging:AdoptDirectories.",
    };

    private static readonly Option<string> Project = new("--project")
    {
        Description = "Project that the image belongs to.", HelpName = "PROJECT", DefaultValueFactory = _ => "",
    };

    private static readonly Option<string> Format = Symbols.Word(
        "--format", "Disk format that the file must have. Default: it is not checked.", "FORMAT");

    private static readonly Option<Dictionary<string, string>> Digest =
        Symbols.Digest("Digest that the file must have. May be repeated.");

    public static Command Create(CommandRunner runner)
    {
        var command = new Command("adopt", "Stages a file of the sidecar's volume by renaming it.")
        {
            Image, Path, Project, Format, Digest,
        };
        runner.AddExamples(command, "stagectl adopt $(uuidgen) /var/lib/glance/os_glance_staging_store/disk.raw");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var request = new AdoptFileRequest
        {
            ImageId = parsed.GetRequiredValue(Image),
            Path = parsed.GetRequiredValue(Path),
            ProjectId = parsed.GetRequiredValue(Project),
            DiskFormat = parsed.GetRequiredValue(Format),
            ExpectedDigests = { parsed.GetRequiredValue(Digest) },
        };
        var image = await invocation.Client.Staging.AdoptFileAsync(request, invocation.Call);
        invocation.Output.Result(image, () => image.ImageId);
    }
}
