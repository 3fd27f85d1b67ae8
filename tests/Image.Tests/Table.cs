using NUnit.Framework;

namespace Image.Tests;

/// <summary>Numbers for a person, in the test's output and in the file that <c>IMAGE_BENCH_TABLE</c> names.</summary>
internal static class Table
{
    public static void Write(string what, string value)
    {
        var row = $"| {what} | {value} |";
        TestContext.Out.WriteLine(row);
        if (Environment.GetEnvironmentVariable("IMAGE_BENCH_TABLE") is not { Length: > 0 } file) return;
        File.AppendAllText(file, row + "\n");
    }
}
