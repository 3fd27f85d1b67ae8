using NUnit.Framework;
using Stagectl.Tests.Harness;

namespace Stagectl.Tests;

[CancelAfter(120_000)]
internal sealed class LogLevelTests
{
    private readonly TempDirectory _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task LogLevel_ShownChangedAndReset(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);

        var set = await cli.RunAsync(cancellationToken, "log-level", "Sidecar.Import", "debug", "--for", "10m");
        Assert.That(set.ExitCode, Is.Zero, set.Error);
        Assert.That(set.Text, Does.Match(@"^Sidecar\.Import: Debug until \d{4}-"));
        var shown = await cli.RunAsync(cancellationToken, "log-level");
        Assert.That(shown.Text, Does.Match(@"(?m)^Sidecar\.Import +Debug +- +\d{4}-")
            .And.Match("(?m)^Default +Information"));

        var reset = await cli.RunAsync(cancellationToken, "log-level", "Sidecar.Import", "--reset");
        Assert.That(reset.Text, Is.EqualTo("Sidecar.Import: as the others"), reset.Error);
        var after = await cli.RunAsync(cancellationToken, "log-level");
        Assert.That(after.Text, Does.Not.Contain("Sidecar.Import"));
    }

    [Test]
    public async Task LogLevel_ThatIsNone_NamesThoseThatAre(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);

        var set = await new Cli(daemon.Address).RunAsync(cancellationToken, "log-level", "Default", "loud", "--json");

        Assert.That(set.JsonError.GetProperty("reason").GetString(), Is.EqualTo("INVALID_REQUEST"));
        Assert.That(set.JsonError.GetProperty("message").GetString(), Does.Contain("'loud'")
            .And.Contain("Information, Warning"));
    }

    [TestCase("A CATEGORY needs a LEVEL", "Default")]
    [TestCase("--reset needs a CATEGORY", "--reset")]
    [TestCase("not both", "Default", "Debug", "--reset")]
    [TestCase("--for needs a LEVEL", "--for", "5m")]
    public async Task LogLevel_HalfARequest_IsAUsageError(string error, params string[] arguments)
    {
        var set = await new Cli("unix:/nowhere").RunAsync(
            TestContext.CurrentContext.CancellationToken, ["log-level", .. arguments]);

        Assert.That(set.ExitCode, Is.EqualTo(ExitCode.Usage));
        Assert.That(set.Error, Does.Contain(error));
    }
}
