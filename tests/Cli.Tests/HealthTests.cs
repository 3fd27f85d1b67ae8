using NUnit.Framework;
using Stagectl.Tests.Harness;

namespace Stagectl.Tests;

[CancelAfter(120_000)]
internal sealed class HealthTests
{
    private readonly TempDirectory _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task Health_DaemonThatIsWell_IsOneLineAndZero(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);

        var ready = await cli.RunAsync(cancellationToken, "health");
        var live = await cli.RunAsync(cancellationToken, "health", "liveness", "--json");

        Assert.That((ready.ExitCode, ready.Text), Is.EqualTo((ExitCode.Success, "readiness: serving")), ready.Error);
        Assert.That(live.Json.GetProperty("status").GetString(), Is.EqualTo("SERVING"));
    }

    [Test]
    public async Task Health_Drained_IsNotReadyButAlive(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        await cli.RunAsync(cancellationToken, "drain", "--grace", "0s");

        // The health service learns of it within a second.
        CliOutcome ready;
        do ready = await cli.RunAsync(cancellationToken, "health", "readiness"); while (ready.ExitCode == 0);
        var live = await cli.RunAsync(cancellationToken, "health", "liveness");

        Assert.That(ready.ExitCode, Is.EqualTo(1), ready.Text);
        Assert.That(ready.Error.Trim().Split('\n'), Has.Length.EqualTo(1), ready.Error);
        Assert.That(ready.Error, Does.Contain("not serving").And.Contain("[NOT_SERVING]"));
        Assert.That(live.ExitCode, Is.Zero, live.Error);
    }

    [Test]
    public async Task Health_NobodyThere_IsOne(CancellationToken cancellationToken)
    {
        var health = await new Cli("unix:" + _directory["nobody.sock"]).RunAsync(cancellationToken, "health");

        Assert.That(health.ExitCode, Is.EqualTo(1), health.Text);
        Assert.That(health.Error, Does.Contain("nobody.sock"));
    }

    [Test]
    public async Task Health_UnknownService_IsToldApart(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);

        var health = await new Cli(daemon.Address).RunAsync(cancellationToken, "health", "liveliness");

        Assert.That(health.ExitCode, Is.EqualTo(ExitCode.NotFound), health.Error);
    }
}
