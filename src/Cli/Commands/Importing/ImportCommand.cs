using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;
using Stagectl.Failures;
using Stagectl.Progress;
using Stagectl.Transfer;

namespace Stagectl.Commands.Importing;

/// <summary><c>import</c>: runs import stages over a staged image and follows them.</summary>
internal static class ImportCommand
{
    private static readonly Argument<string> Image = Symbols.ImageId();

    private static readonly Option<string> Id = Symbols.UuidOption(
        "--id", "Id of the import. Given again it attaches to the running one. Default: a new one.");

    private static readonly Option<string[]> Stages = Repeated(
        "--stage", "Stage to run, such as image_conversion; repeat it for their order. Default: those configured.", "STAGE");

    private static readonly Option<string> Format = Symbols.Word(
        "--format", "Disk format that the image must have.", "FORMAT");

    private static readonly Option<string> Container = Symbols.Word(
        "--container", "Container format; compressed is not decompressed. Default: bare.", "FORMAT");

    private static readonly Option<string> To = Symbols.Word(
        "--to", "Format to convert to: raw, qcow2 or vmdk. Default: the one configured.", "FORMAT");

    private static readonly Option<string[]> Roles = Repeated(
        "--role", "Role of the user who asked; may be repeated.", "ROLE");

    private static readonly Option<bool> Bring = new("--bring")
    {
        Description = "Have the output brought to the pod that is asked. Default: it stays with the image's owner.",
    };

    private static readonly Option<bool> Detach = new("--detach")
    {
        Description = "Print the import's id and leave as soon as it is started.",
    };

    private static readonly Option<TimeSpan?> RetryFor = Symbols.RetryFor();

    public static Command Create(CommandRunner runner)
    {
        var command = new Command(
            "import", "Imports a staged image and shows each stage. Ctrl-C leaves the import running.")
        {
            Image, Id, Stages, Format, Container, To, Roles, Bring, Detach, RetryFor,
        };
        SignatureOptions.AddTo(command);
        runner.AddExamples(
            command,
            "stagectl import $id",
            "stagectl import $id --stage image_decompression --stage image_conversion --to raw",
            "stagectl import $id --signature $(base64 -w 0 <disk.sig) --certificate 6f9a6c2e-5c1b-4e39-a2f0-6c7f4a2f9b11.pem",
            "import=$(stagectl import $id --detach) && stagectl imports $import");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var request = ReadRequest(parsed);
        var detach = parsed.GetValue(Detach);
        var patience = CommandRunner.CreatePatience(parsed.GetValue(RetryFor));
        var import = await ProgressDisplay.RunAsync(invocation.Output, async display =>
        {
            var watch = new ImportWatch(invocation, request, detach, patience, display);
            try
            {
                return await watch.RunAsync();
            }
            catch (Exception exception) when (Explain(exception, watch, invocation) is { } failure)
            {
                throw new CommandException(failure);
            }
        });
        invocation.Output.Result(import, () => detach ? import.ImportId : Sheets.Of(import));
    }

    private static RunImportRequest ReadRequest(ParseResult parsed) => new()
    {
        ImageId = parsed.GetRequiredValue(Image),
        // Chosen here, so that a second attempt attaches instead of running twice.
        ImportId = parsed.GetValue(Id) ?? Guid.NewGuid().ToString("D"),
        Stages = { parsed.GetRequiredValue(Stages) },
        DiskFormat = parsed.GetRequiredValue(Format),
        ContainerFormat = parsed.GetRequiredValue(Container),
        OutputDiskFormat = parsed.GetRequiredValue(To),
        UserRoles = { parsed.GetRequiredValue(Roles) },
        OutputPlacement = parsed.GetValue(Bring) ? OutputPlacement.BringHere : OutputPlacement.StayWithOwner,
        Signature = SignatureOptions.Read(parsed),
    };

    private static Failure? Explain(Exception exception, ImportWatch watch, Invocation invocation)
    {
        if (invocation.Explain(exception) is not { } failure) return null;
        if (watch.Last is not { } import) return failure;
        if (failure.ExitCode is ExitCode.Interrupted or ExitCode.Unreachable)
        {
            return failure.With(
                $"Import {import.ImportId} does not depend on this command: see 'stagectl imports {import.ImportId}', "
                + $"stop it with 'stagectl cancel {import.ImportId}'.",
                ("import_id", import.ImportId));
        }

        var stage = import.Failure?.Stage ?? "";
        var where = stage.Length > 0 ? $"(Import {import.ImportId}, stage {stage}.)" : $"(Import {import.ImportId}.)";
        return failure.With(where, ("import_id", import.ImportId), ("stage", stage));
    }

    private static Option<string[]> Repeated(string name, string description, string valueName) => new(name)
    {
        Description = description, HelpName = valueName, DefaultValueFactory = _ => [],
    };
}
