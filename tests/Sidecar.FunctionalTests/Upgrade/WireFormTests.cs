using System.Diagnostics;
using System.Text.Json.Nodes;
using Google.Protobuf;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Upgrade;

/// <summary>
/// During an upgrade pods of two versions are each other's peers: today's reads what an older one writes, and an older
/// one reads what today's writes.
/// </summary>
internal sealed class WireFormTests : SidecarTest
{
    [TestCaseSource(typeof(RecordedMessages), nameof(RecordedMessages.Read))]
    public void MessageOfAnOlderVersion_IsUnderstoodInFull(RecordedMessage recorded)
    {
        var message = RecordedMessages.Find(recorded.Name).Parser.ParseFrom(recorded.Bytes);
        var understood = JsonNode.Parse(JsonFormatter.Default.Format(message));
        Assert.That(JsonNode.DeepEquals(understood, recorded.Json), Is.True, $"{understood}\nwas {recorded.Json}");
    }

    [Test]
    public async Task MessageOfToday_IsUnderstoodByAnOlderVersion()
    {
        var recorded = RecordedMessages.Read().ToList();
        var messages = recorded
            .Select(older => FullMessage.Of(RecordedMessages.Find(older.Name), older.Choice)).ToList();
        var lines = recorded.Zip(messages, (older, message) => $"{older.Name} {message.ToByteString().ToBase64()}");
        var understood = await ReadAsOlderAsync(lines);
        Assert.That(understood, Has.Count.EqualTo(recorded.Count));
        foreach (var (older, message, read) in recorded.Zip(messages, understood))
        {
            var meant = JsonNode.Parse(JsonFormatter.Default.Format(message))!;
            Assert.That(Differences(meant, read, "").ToList(), Is.Empty, older.Name);
            Assert.That(Paths(read, ""), Is.SupersetOf(Paths(older.Json, "")), $"{older.Name}: a field is gone");
        }
    }

    private static async Task<List<JsonNode>> ReadAsOlderAsync(IEnumerable<string> lines)
    {
        var start = new ProcessStartInfo(
            "/usr/bin/python3", // the one that sees Debian's protobuf
            [
                Path.Combine(AppContext.BaseDirectory, "Upgrade", "older_reader.py"),
                Path.Combine(RecordedMessages.Directory, "wire", "older.binpb"),
            ])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var reader = Process.Start(start)!;
        var errors = reader.StandardError.ReadToEndAsync(Deadline);
        var output = reader.StandardOutput.ReadToEndAsync(Deadline);
        foreach (var line in lines) await reader.StandardInput.WriteLineAsync(line);
        reader.StandardInput.Close();
        await reader.WaitForExitAsync(Deadline);
        Assert.That(reader.ExitCode, Is.Zero, await errors);
        var read = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. read.Select(line => JsonNode.Parse(line)!)];
    }

    // What was read and is not what was meant. Fields that the reader does not know are not there; that is all right.
    private static IEnumerable<string> Differences(JsonNode? meant, JsonNode? read, string path)
    {
        if (read is JsonObject fields)
        {
            return fields.SelectMany(field => Differences(meant?[field.Key], field.Value, $"{path}.{field.Key}"));
        }

        if (read is JsonArray items && meant is JsonArray wanted && items.Count == wanted.Count)
        {
            return items.SelectMany((item, index) => Differences(wanted[index], item, $"{path}[{index}]"));
        }

        return JsonNode.DeepEquals(meant, read) ? [] : [$"{path}: {read} instead of {meant}"];
    }

    private static HashSet<string> Paths(JsonNode? node, string path) => node switch
    {
        JsonObject fields => [path, .. fields.SelectMany(field => Paths(field.Value, $"{path}.{field.Key}"))],
        JsonArray items => [path, .. items.SelectMany(item => Paths(item, path + "[]"))],
        _ => [path],
    };
}
