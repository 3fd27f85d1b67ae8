using System.Text.Json;

namespace Glance.Tests.Harness.Api;

/// <summary>An image as the API shows it.</summary>
internal sealed class ImageRecord(JsonElement json)
{
    public string Id => Text("id")!;

    public string Status => Text("status")!;

    public string? DiskFormat => Text("disk_format");

    public string? ContainerFormat => Text("container_format");

    public string? Checksum => Text("checksum");

    public string? HashValue => Text("os_hash_value");

    public long? Size => Number("size");

    public long? VirtualSize => Number("virtual_size");

    public string[] Stores => List("stores");

    public string[] FailedStores => List("os_glance_failed_import");

    /// <summary>A property by name; null when it has none such.</summary>
    public string? Text(string property) =>
        json.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public override string ToString() => json.GetRawText();

    private long? Number(string property) =>
        json.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;

    private string[] List(string property) => Text(property)?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [];
}
