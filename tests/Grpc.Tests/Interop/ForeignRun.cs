using System.Text.Json;

namespace Grpc.Tests.Interop;

/// <summary>One run of a foreign client against our server: a line of JSON for each case.</summary>
internal sealed class ForeignRun(Func<Transport, Task<string>> run)
{
    private readonly Dictionary<Transport, Lazy<Task<Dictionary<string, JsonElement>>>> _results =
        Enum.GetValues<Transport>().ToDictionary(
            transport => transport,
            transport => new Lazy<Task<Dictionary<string, JsonElement>>>(() => ReadAsync(run(transport))));

    /// <summary>Asserts what the client said of this case; saying nothing is a failure.</summary>
    public async Task AssertAsync(string name, Transport transport)
    {
        var results = await _results[transport].Value;
        Assert.That(results, Contains.Key(name), "the client did not report the case");
        var line = results[name];
        if (line.TryGetProperty("notRun", out var reason))
            Assert.Ignore(reason.GetString()!);

        Assert.That(line.GetProperty("ok").GetBoolean(), Is.True, line.ToString());
    }

    private static async Task<Dictionary<string, JsonElement>> ReadAsync(Task<string> output) =>
        (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(line => line.GetProperty("case").GetString()!);
}
