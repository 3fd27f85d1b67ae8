using NUnit.Framework;
using Stagectl.Tests.Harness;

namespace Stagectl.Tests;

[CancelAfter(120_000)]
internal sealed class GetTests
{
    private const string Id = "11111111-2222-4333-8444-555555555555";

    private readonly TempDirectory _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task Get_RangeToStandardOutput_IsExactlyThoseBytes(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        var noise = Disks.Noise(_directory["disk"], 2 * Disks.Megabyte);
        await cli.RunAsync(cancellationToken, "put", _directory["disk"], "--id", Id);

        var get = await cli.RunAsync(
            cancellationToken, "get", Id, "-o", "-", "--offset", "1MiB", "--length", "1000", "--json");

        Assert.That(get.ExitCode, Is.Zero, get.Error);
        Assert.That(get.Bytes, SameBytes.As(noise[Disks.Megabyte..(Disks.Megabyte + 1000)]));
    }

    [Test]
    public async Task Get_BitFlippedOnTheWay_ReadsTheChunkAgain(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        await using var wire = new Wire(_directory["w.sock"], daemon.SocketPath);
        var noise = Disks.Noise(_directory["disk"], 8 * Disks.Megabyte);
        await new Cli(daemon.Address).RunAsync(cancellationToken, "put", _directory["disk"], "--id", Id);
        wire.FlipBitFromDaemon((3 * Disks.Megabyte) + 5000);

        var get = await new Cli(wire.Address).RunAsync(cancellationToken, "get", Id, "-o", _directory["copy"]);

        Assert.That(get.ExitCode, Is.Zero, get.Error);
        Assert.That(wire.Flipped, Is.True);
        Assert.That(get.Error, Does.Contain("Broke off at"));
        Assert.That(await File.ReadAllBytesAsync(_directory["copy"], cancellationToken), SameBytes.As(noise));
    }

    [Test]
    public async Task Get_OffsetPastTheEnd_IsRefusedAndLeavesNoFile(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        Disks.Noise(_directory["disk"], 1000);
        await cli.RunAsync(cancellationToken, "put", _directory["disk"], "--id", Id);

        var get = await cli.RunAsync(
            cancellationToken, "get", Id, "-o", _directory["copy"], "--offset", "1001");

        Assert.That(get.ExitCode, Is.EqualTo(ExitCode.Refused), get.Error);
        Assert.That(get.Error, Does.Contain("[OFFSET_MISMATCH]"));
        Assert.That(Directory.GetFiles(_directory.Path, "copy*"), Is.Empty);
    }
}
