using System.Text.Json.Nodes;
using Glance.Sidecar.V1;
using Google.Protobuf.Reflection;

namespace Sidecar.FunctionalTests.Upgrade;

/// <summary>One message as an older version wrote it, with every field that it knew.</summary>
/// <param name="Choice">Which field of its oneof is set; 0 without one.</param>
/// <param name="Json">The same, as that version understood it.</param>
internal sealed record RecordedMessage(string Name, int Choice, byte[] Bytes, JsonNode Json)
{
    public override string ToString() => $"{Name}-{Choice}";
}

/// <summary>The files in <c>recorded</c>, and today's protos beside them.</summary>
internal static class RecordedMessages
{
    /// <summary>The API that pods speak with each other today.</summary>
    public static IReadOnlyList<FileDescriptor> Today { get; } =
    [
        ForwardedReflection.Descriptor, StagingReflection.Descriptor, ImportsReflection.Descriptor,
        PeersReflection.Descriptor,
    ];

    public static string Directory { get; } = Path.Combine(AppContext.BaseDirectory, "Upgrade", "recorded");

    public static MessageDescriptor Find(string name) => Today
        .SelectMany(file => file.MessageTypes).Single(type => type.FullName == name);

    public static IEnumerable<RecordedMessage> Read()
    {
        foreach (var line in File.ReadLines(Path.Combine(Directory, "wire", "messages.jsonl")))
        {
            var record = JsonNode.Parse(line)!;
            yield return new RecordedMessage(
                (string)record["message"]!, (int)record["choice"]!, Convert.FromBase64String((string)record["bytes"]!),
                record["json"]!);
        }
    }
}
