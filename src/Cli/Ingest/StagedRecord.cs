using System.Text.Json;

namespace Stagectl.Ingest;

/// <summary>What Glance says of an image.</summary>
/// <param name="Size">Null while Glance does not know that it is staged whole.</param>
internal readonly record struct StagedRecord(string Status, long? Size)
{
    /// <summary>It can be staged, or is being staged.</summary>
    public bool IsOpen => Status is "queued" or "uploading";

    /// <summary>Its bytes are staged, and Glance knows it.</summary>
    public bool IsStaged => Size is not null && Status != "queued";

    /// <summary>Null for an answer that is no record.</summary>
    public static StagedRecord? Of(IngestAnswer answer)
    {
        if (!answer.IsSuccess) return null;
        try
        {
            using var json = JsonDocument.Parse(answer.Text);
            var size = json.RootElement.GetProperty("size");
            return new StagedRecord(
                json.RootElement.GetProperty("status").GetString() ?? "",
                size.ValueKind == JsonValueKind.Number ? size.GetInt64() : null);
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}
