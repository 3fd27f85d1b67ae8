using System.Text.Json;
using System.Text.Json.Serialization;
using Sidecar.Staging;

namespace Sidecar.Peers.Transfer;

/// <summary>
/// What is known of an output that is, or was, brought here; <c>output.json</c> beside its data. The property names are
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

    /// <summary>Null when it cannot be understood, or belongs into another directory.</summary>
    public static OutputRecord? Read(string directory)
    {
        try
        {
            var bytes = File.ReadAllBytes(Path.Combine(directory, FileName));
            var record = JsonSerializer.Deserialize(bytes, OutputJson.Default.OutputRecord);
            return Path.GetFileName(directory) == record?.ImportId.ToString("D") ? record : null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or FileNotFoundException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    Converters = [typeof(ImageIdConverter)])]
[JsonSerializable(typeof(OutputRecord))]
internal sealed partial class OutputJson : JsonSerializerContext;
