using System.Text.Json;
using System.Text.Json.Serialization;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Routing.Outputs;

/// <summary>
/// What is known of an output that is, or was, fetched here; <c>output.json</c> beside its data. The property names are
/// on disk: rename none.
/// </summary>
/// <param name="ImportFinishedAt">Of the run that made the output: the same import id may be run again.</param>
/// <param name="BootId">The kernel under which the transfer began; see <see cref="OutputFile"/>.</param>
/// <param name="CompletedAt">When all of it was durable here; null before.</param>
internal sealed record OutputRecord(
    Guid ImportId,
    ImageId ImageId,
    string Owner,
    long Size,
    DateTimeOffset ImportFinishedAt,
    DateTimeOffset StartedAt,
    Guid BootId,
    DateTimeOffset? CompletedAt)
{
    private const string FileName = "output.json";

    /// <summary>Whether both are of the same run of the same import.</summary>
    public bool IsSameOutput(OutputRecord other) => other.ImportId == ImportId && other.ImageId == ImageId
        && other.Size == Size && other.ImportFinishedAt == ImportFinishedAt;

    /// <summary>Makes the record durable, and its directory where it is new.</summary>
    public void Write(StagingLayout layout)
    {
        var directory = layout.OutputDirectory(ImportId);
        DurableFiles.CreateDirectory(directory);
        Posix.SyncDirectory(layout.Outputs);
        DurableFiles.Replace(
            Path.Combine(directory, FileName), JsonSerializer.SerializeToUtf8Bytes(this, OutputJson.Default.OutputRecord));
    }

    /// <summary>Where the record of a directory is.</summary>
    public static string FileIn(string directory) => Path.Combine(directory, FileName);

    /// <exception cref="InvalidDataException">It makes no sense, or belongs into another directory.</exception>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static OutputRecord Read(string directory) => RecordFile.Read(
        FileIn(directory), OutputJson.Default.OutputRecord, record => record.Flaw(Path.GetFileName(directory)));

    private string? Flaw(string directory)
    {
        if (ImportId.ToString("D") != directory) return $"it is of import {ImportId}";
        return Size < 0 ? $"its size is {Size}" : null;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(ImageIdConverter)])]
[JsonSerializable(typeof(OutputRecord))]
internal sealed partial class OutputJson : JsonSerializerContext;
