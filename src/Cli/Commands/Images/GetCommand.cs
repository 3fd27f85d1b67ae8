using System.CommandLine;
using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Stagectl.Commands.Core;
using Stagectl.Output;
using Stagectl.Progress;
using Stagectl.Transfer;

namespace Stagectl.Commands.Images;

/// <summary><c>get</c>: reads a staged image, or the output of an import.</summary>
internal static class GetCommand
{
    private static readonly Argument<string> Image = Symbols.ImageId();

    private static readonly Option<string> OutputFile = new("--output", "-o")
    {
        Description = "Where to; - for standard output. Default: a file named like the image.", HelpName = "FILE",
    };

    private static readonly Option<string> ImportId = Symbols.UuidOption(
        "--import", "Read the output of this import instead of the image itself.");

    private static readonly Option<long> Offset = Size("--offset", "First byte to read.");

    private static readonly Option<long> Length = Size("--length", "Bytes to read. Default: to the end.");

    private static readonly Option<TimeSpan?> RetryFor = Symbols.RetryFor();

    public static Command Create(CommandRunner runner)
    {
        var command = new Command("get", "Reads an image and checks every chunk. The file appears when it is complete.")
        {
            Image, OutputFile, ImportId, Offset, Length, RetryFor,
        };
        runner.AddExamples(
            command,
            "stagectl get $id -o disk.qcow2",
            "stagectl get $id --import $import -o disk.raw",
            "stagectl get $id -o - --length 512 | xxd");
        runner.Handle(command, RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, Invocation invocation)
    {
        var request = new ReadImageRequest
        {
            ImageId = parsed.GetRequiredValue(Image),
            ImportId = parsed.GetValue(ImportId) ?? "",
            Offset = (ulong)parsed.GetValue(Offset),
            Length = (ulong)parsed.GetValue(Length),
        };
        var path = parsed.GetValue(OutputFile) ?? request.ImageId;
        using var target = DownloadTarget.Open(path);
        var patience = CommandRunner.CreatePatience(parsed.GetValue(RetryFor));
        var label = path == "-" ? request.ImageId : Path.GetFileName(path);
        var received = await ProgressDisplay.RunAsync(invocation.Output, async display =>
        {
            var download = new Download(invocation, request, label, target, patience, display);
            await download.RunAsync();
            return download.Received;
        });
        invocation.Output.Note($"Read {ByteText.Format(received)} into {(path == "-" ? "standard output" : path)}.");
        // On standard output are the bytes themselves.
        if (invocation.Output.Json && path != "-") invocation.Output.Result(CreateReport(path, received), () => "");
    }

    private static Struct CreateReport(string path, ulong received) => new()
    {
        // As text, like every 64-bit number in protobuf's JSON.
        Fields = { ["file"] = Value.ForString(path), ["size"] = Value.ForString($"{received}") },
    };

    private static Option<long> Size(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        DefaultValueFactory = _ => 0,
        CustomParser = result => Parsers.Size(result, 0, long.MaxValue),
    };
}
