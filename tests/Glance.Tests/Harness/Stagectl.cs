using System.Reflection;

namespace Glance.Tests.Harness;

/// <summary>The operators' program: as it ships, where TEST_STAGECTL names it, else the one that was built with the tests.</summary>
internal static class Stagectl
{
    private static readonly string[] Program = Environment.GetEnvironmentVariable("TEST_STAGECTL") is { Length: > 0 } shipped
        ? [shipped]
        :
        [
            "dotnet",
            typeof(Stagectl).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "stagectl").Value!,
        ];

    /// <summary>Stages a file through Glance's own API.</summary>
    /// <returns>Exit code, and both streams.</returns>
    public static Task<(int ExitCode, string Output)> PutAsync(string file, string id, Uri door, string token) =>
        Command.TryAsync(Put(file, id, door), ("OS_TOKEN", token));

    /// <summary>As above, of what the test writes.</summary>
    public static Command StartPut(string id, Uri door, string token) =>
        Command.StartReading(Put("-", id, door), ("OS_TOKEN", token));

    private static string[] Put(string source, string id, Uri door) =>
        [.. Program, "put", source, "--id", id, "--via", door.ToString(), "--allow-plaintext"];
}
