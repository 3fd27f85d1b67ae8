using NUnit.Framework;
using Stagectl.Tests.Harness;

namespace Stagectl.Tests;

[CancelAfter(120_000)]
internal sealed class DrainTests
{
    private readonly TempDirectory _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task Drain_EmptyPod_LeavesNothing(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);

        var drain = await cli.RunAsync(cancellationToken, "drain", "--grace", "0s");

        Assert.That(drain.ExitCode, Is.Zero, drain.Error);
        Assert.That(drain.Text, Does.Contain("Nothing is left"));
        Assert.That(drain.Error, Does.Contain("hand_over"));
        var put = await cli.RunAsync(cancellationToken, "put", _directory.Qcow2(), "--retry-for", "1ms", "--json");
        Assert.That(put.JsonError.GetProperty("reason").GetString(), Is.EqualTo("DRAINING"));
    }

    [Test]
    public async Task Drain_ImageThatNobodyTakes_ShowsItAndFails(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        Disks.Noise(_directory["disk"], 5000);
        var image = (await cli.RunAsync(cancellationToken, "put", _directory["disk"])).Text;

        var drain = await cli.RunAsync(cancellationToken, "drain");
        Assert.That(drain.ExitCode, Is.EqualTo(ExitCode.Refused), drain.Error);
        Assert.That(drain.Text, Does.Contain(image).And.Contain("no peers").And.Contain("WHY"));
        Assert.That(drain.Error, Does.Contain("1 staged images left").And.Contain("[NOT_EMPTY]"));

        var again = await cli.RunAsync(cancellationToken, "drain", "--json");
        Assert.That(again.ExitCode, Is.EqualTo(ExitCode.Refused), again.Error);
        Assert.That(again.JsonError.GetProperty("reason").GetString(), Is.EqualTo("NOT_EMPTY"));
        var left = again.Json.GetProperty("left")[0];
        Assert.That(
            (left.GetProperty("kind").GetString(), left.GetProperty("imageId").GetString(), left.GetProperty("bytes").GetString()),
            Is.EqualTo(("IMAGE", image, "5000")));
        Assert.That(again.Error, Does.Contain("\"progress\""));
    }

    [Test]
    public async Task Drain_GraceThatIsNoTime_IsAUsageError(CancellationToken cancellationToken)
    {
        var drain = await new Cli("unix:/nowhere").RunAsync(cancellationToken, "drain", "--grace", "soon");
        Assert.That((drain.ExitCode, drain.Error), Is.EqualTo((ExitCode.Usage, drain.Error)));
        Assert.That(drain.Error, Does.Contain("'soon' is not a duration"));
    }
}
