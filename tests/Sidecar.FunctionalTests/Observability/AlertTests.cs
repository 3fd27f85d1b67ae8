using System.Diagnostics;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>The alert rules of the chart, by Prometheus' own tool.</summary>
internal sealed class AlertTests
{
    [Test]
    public async Task Rules_FireWhenTheyShould_AndOnlyThen()
    {
        using var directory = TestDirectory.Create();
        foreach (var file in (string[])["alerts.yaml", "alerts.test.yaml"])
        {
            File.Copy(Path.Combine(AppContext.BaseDirectory, "Observability", file), directory[file]);
        }

        var (exitCode, output) = await RunAsync("test", "rules", directory["alerts.test.yaml"]);

        Assert.That(exitCode, Is.Zero, output);
    }

    [Test]
    public async Task Rules_AreValid_AndTellWhatToDo()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Observability", "alerts.yaml");
        var (exitCode, output) = await RunAsync("check", "rules", path);
        var rules = await File.ReadAllTextAsync(path);

        Assert.That(exitCode, Is.Zero, output);
        Assert.That(Count(rules, " runbook: "), Is.EqualTo(Count(rules, "- alert: ")), "each has a runbook");
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using var promtool = Process.Start(new ProcessStartInfo("promtool", arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var output = await Task.WhenAll(promtool.StandardOutput.ReadToEndAsync(), promtool.StandardError.ReadToEndAsync());
        await promtool.WaitForExitAsync();
        return (promtool.ExitCode, string.Concat(output));
    }
}
