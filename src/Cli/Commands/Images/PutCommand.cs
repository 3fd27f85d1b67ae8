using System.CommandLine;
using Glance.Sidecar.V1;
using Stagectl.Commands.Core;
using Stagectl.Failures;
using Stagectl.Ingest;
using Stagectl.Output;
using Stagectl.Progress;
using Stagectl.Transfer;

namespace Stagectl.Commands.Images;

/// <summary><c>put</c>: stages a file, or standard input.</summary>
internal static class PutCommand
{
    private const string StandardInput = "-";
    private const int DefaultChunkBytes = 1 << 20;
    private const int MaxChunkBytes = 64 << 20; // the most that Rpc:MaxMessageBytes can be

    private static readonly Argument<string> File = new("FILE") { Description = "The file; - for standard input." };

    private static readonly Option<string> Id = Symbols.UuidOption(
        "--id", "Id of the image. Given again it resumes an unfinished upload. Default: a new one.");

    private static readonly Option<string> Project = new("--project")
    {
        Description = "Project that the image belongs to.", HelpName = "PROJECT", DefaultValueFactory = _ => "",
    };

    private static readonly Option<Dictionary<string, string>> Digest = Symbols.Digest(
        "Digest that the bytes must have: md5, sha1, sha256, sha512 or crc32c. May be repeated.");

    private static readonly Option<string> Format = Symbols.Word(
        "--format", "Disk format that the image must have; it is checked while it arrives. Default: it is not checked.", "FORMAT");

    private static readonly Option<string> Container = Symbols.Word(
        "--container", "Container format; only bare images are checked. Default: bare.", "FORMAT");

    private static readonly Option<long> ChunkSize = new("--chunk-size")
    {
        Description = "Bytes per message.", HelpName = "SIZE", DefaultValueFactory = _ => DefaultChunkBytes,
        CustomParser = result => Parsers.Size(result, 1, MaxChunkBytes),
    };

    private static readonly Option<bool> NoChecksum = new("--no-checksum")
    {
        Description = "Send no CRC-32C, neither of chunks nor of the whole.",
    };

    private static readonly Option<TimeSpan?> RetryFor = Symbols.RetryFor();

    private static readonly string[] OnlyOfTheSidecar =
    [
        GlobalOptions.ServerName, Project.Name, Format.Name, Container.Name, Digest.Name, ChunkSize.Name, NoChecksum.Name,
    ];

    public static Command Create(CommandRunner runner)
    {
        var command = new Command("put", "Uploads an image and prints its id. Resumes by itself.")
        {
            File, Id, Project, Format, Container, Digest, ChunkSize, NoChecksum, RetryFor,
        };
        ViaOptions.AddTo(command);
        command.Validators.Add(result => ViaOptions.Check(result, Id, OnlyOfTheSidecar));
        runner.AddExamples(
            command,
            "stagectl put disk.qcow2 --format qcow2",
            "stagectl put disk.qcow2 --id 6f9a6c2e-5c1b-4e39-a2f0-6c7f4a2f9b11 --digest sha256=$(sha256sum <disk.qcow2 | cut -c-64)",
            "zstd -dc disk.raw.zst | stagectl put -",
            "stagectl put disk.qcow2 --id $id --via https://images.example.org --token-file token");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var isVia = ViaOptions.AreGiven(parsed);
        using UploadSource source = IsStandardInput(parsed)
            ? new PipeSource(Console.OpenStandardInput())
            : new FileSource(parsed.GetRequiredValue(File), withCrc32C: !isVia);
        var patience = CommandRunner.CreatePatience(parsed.GetValue(RetryFor));
        if (isVia)
        {
            var passed = new IngestRequest(parsed.GetRequiredValue(Id), LabelOf(parsed), ViaOptions.IsResume(parsed));
            await PutVia.RunAsync(parsed, invocation, passed, source, patience);
            return;
        }

        var request = ReadRequest(parsed);
        var image = await ProgressDisplay.RunAsync(
            invocation.Output,
            display => RunAsync(
                new Transfer.Upload(invocation, request, source, patience, display), request, invocation));
        invocation.Output.Note($"Staged {ByteText.Format(image.Size)} as image {image.ImageId}.");
        invocation.Output.Result(image, () => image.ImageId);
    }

    private static UploadRequest ReadRequest(ParseResult parsed)
    {
        var id = parsed.GetValue(Id);
        return new UploadRequest(
            id ?? Guid.NewGuid().ToString("D"),
            MayExist: id is not null,
            LabelOf(parsed),
            parsed.GetRequiredValue(Project),
            parsed.GetRequiredValue(Format),
            parsed.GetRequiredValue(Container),
            parsed.GetRequiredValue(Digest),
            (int)parsed.GetValue(ChunkSize),
            !parsed.GetValue(NoChecksum));
    }

    private static string LabelOf(ParseResult parsed) =>
        IsStandardInput(parsed) ? "standard input" : Path.GetFileName(parsed.GetRequiredValue(File));

    private static bool IsStandardInput(ParseResult parsed) => parsed.GetRequiredValue(File) == StandardInput;

    private static async Task<StagedImage> RunAsync(Transfer.Upload upload, UploadRequest request, Invocation invocation)
    {
        try
        {
            return await upload.RunAsync();
        }
        catch (Exception exception) when (upload.Begun && invocation.Explain(exception) is { } failure)
        {
            throw new CommandException(await AddResumePointAsync(failure, request, invocation));
        }
    }

    private static async Task<Failure> AddResumePointAsync(Failure failure, UploadRequest request, Invocation invocation)
    {
        var again = $"'stagectl put --id {request.ImageId}' with the same file";
        if (failure.ExitCode == ExitCode.Unreachable)
        {
            return failure.With($"Resume with {again}.", ("image_id", request.ImageId));
        }

        if (await ResumePoint.FindAsync(invocation.Client.Staging, request.ImageId) is not { } offset) return failure;
        return failure.With(
            $"The upload is kept at offset {offset}: resume it with {again}, or discard it with "
            + $"'stagectl abort {request.ImageId}'.",
            ("image_id", request.ImageId),
            ("received_offset", $"{offset}"));
    }
}
