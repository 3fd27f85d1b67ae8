using Glance.Sidecar.V1;
using NUnit.Framework;
using Stagectl.Tests.Harness;

namespace Stagectl.Tests;

[CancelAfter(120_000)]
internal sealed class PutTests
{
    private const string Id = "11111111-2222-4333-8444-555555555555";

    private readonly TempDirectory _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task Put_File_PrintsOnlyTheIdAndReadsBackEqual(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        var noise = Disks.Noise(_directory["disk"], (3 * Disks.Megabyte) + 12345);

        var put = await cli.RunAsync(cancellationToken, "put", _directory["disk"]);
        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(Guid.TryParse(put.Text, out _), Is.True, put.Text);

        var get = await cli.RunAsync(cancellationToken, "get", put.Text, "-o", _directory["copy"]);
        Assert.That(get.ExitCode, Is.Zero, get.Error);
        Assert.That(await File.ReadAllBytesAsync(_directory["copy"], cancellationToken), SameBytes.As(noise));
        Assert.That(_directory["copy"] + ".part", Does.Not.Exist);
    }

    [Test]
    public async Task Put_RedirectedError_HasNoEscapeSequences(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        Disks.Noise(_directory["disk"], Disks.Megabyte);

        var put = await new Cli(daemon.Address).RunAsync(cancellationToken, "put", _directory["disk"]);

        Assert.That(put.Error, Does.Contain("disk").And.Not.Contain("\u001b"));
    }

    [Test]
    public async Task Put_Quiet_SaysNothingOnStandardError(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        Disks.Noise(_directory["disk"], Disks.Megabyte);

        var put = await new Cli(daemon.Address).RunAsync(cancellationToken, "put", "-q", _directory["disk"]);

        Assert.That(put.ExitCode, Is.Zero);
        Assert.That(put.Error, Is.Empty);
    }

    [Test]
    public async Task Put_StandardInput_StagesAllOfIt(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        var noise = Disks.Noise(_directory["disk"], (20 * Disks.Megabyte) + 7);

        using var run = cli.Start("put", "-", "--json");
        await run.Process.StandardInput.BaseStream.WriteAsync(noise, cancellationToken);
        run.Process.StandardInput.Close();
        var put = await run.EndAsync(cancellationToken);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(put.Json.GetProperty("size").GetString(), Is.EqualTo($"{noise.Length}"));
    }

    [Test]
    public async Task Put_DaemonKilledMeanwhile_ResumesAfterItsRestart(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        await using var wire = new Wire(_directory["w.sock"], daemon.SocketPath);
        wire.HoldAfter(6 * Disks.Megabyte);
        var noise = Disks.Noise(_directory["disk"], 16 * Disks.Megabyte);

        using var run = new Cli(wire.Address).Start("put", _directory["disk"], "--id", Id);
        await daemon.WaitForOffsetAsync(Id, 4 * Disks.Megabyte, cancellationToken);
        await daemon.KillAsync(cancellationToken);
        wire.Release();
        await daemon.RestartAsync(cancellationToken);
        var put = await run.EndAsync(cancellationToken);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(put.Error, Does.Match("Resuming the upload of image .* at [1-9]"));
        Assert.That(await File.ReadAllBytesAsync(_directory["staging/" + Id], cancellationToken), SameBytes.As(noise));
    }

    [Test]
    public async Task Put_WhileThePodTakesNoMoreUploads_WaitsForItsTurn(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken, "--Rpc:MaxUploads", "1");
        var noise = Disks.Noise(_directory["disk"], Disks.Megabyte);
        var other = Guid.NewGuid().ToString("D");
        using var call = daemon.Staging.Stage(cancellationToken: cancellationToken);
        await call.RequestStream.WriteAsync(
            new StageRequest { Header = new StageHeader { ImageId = other } }, cancellationToken);
        await daemon.WaitForOffsetAsync(other, 0, cancellationToken);

        using var run = new Cli(daemon.Address).Start("put", _directory["disk"], "--id", Id);
        await daemon.LoggedAsync("was refused with ResourceExhausted", cancellationToken);
        await call.RequestStream.WriteAsync(
            new StageRequest { Finish = new StageFinish { TotalSize = 0 } }, cancellationToken);
        await call.RequestStream.CompleteAsync();
        await call.ResponseAsync;
        var put = await run.EndAsync(cancellationToken);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(await File.ReadAllBytesAsync(_directory["staging/" + Id], cancellationToken), SameBytes.As(noise));
    }

    [Test]
    public async Task Put_BitFlippedOnTheWay_ResumesAndStagesTheRightBytes(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        await using var wire = new Wire(_directory["w.sock"], daemon.SocketPath);
        wire.FlipBitToDaemon((5 * Disks.Megabyte) + 5000);
        var noise = Disks.Noise(_directory["disk"], 8 * Disks.Megabyte);

        var put = await new Cli(wire.Address).RunAsync(cancellationToken, "put", _directory["disk"], "--id", Id);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(wire.Flipped, Is.True);
        Assert.That(put.Error, Does.Match("Resuming the upload of image .* at [1-9]"));
        Assert.That(await File.ReadAllBytesAsync(_directory["staging/" + Id], cancellationToken), SameBytes.As(noise));
    }

    [Test]
    public async Task Put_Interrupted_TellsTheOffsetAndIsResumedByItsId(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        var noise = Disks.Noise(_directory["disk"], 4 * Disks.Megabyte);

        // Standard input that stays open holds the upload at a known offset.
        using var run = cli.Start("put", "-", "--id", Id, "--json");
        await run.Process.StandardInput.BaseStream.WriteAsync(noise.AsMemory(0, 2 * Disks.Megabyte), cancellationToken);
        await run.Process.StandardInput.BaseStream.FlushAsync(cancellationToken);
        await daemon.WaitForOffsetAsync(Id, 2 * Disks.Megabyte, cancellationToken);
        run.Process.Signal(Programs.SigInt);
        var interrupted = await run.EndAsync(cancellationToken);
        Assert.That(interrupted.ExitCode, Is.EqualTo(ExitCode.Interrupted), interrupted.Error);
        Assert.That(interrupted.JsonError.GetProperty("reason").GetString(), Is.EqualTo("INTERRUPTED"));
        Assert.That(
            interrupted.JsonError.GetProperty("facts").GetProperty("received_offset").GetString(),
            Is.EqualTo($"{2 * Disks.Megabyte}"));

        var put = await cli.RunAsync(cancellationToken, "put", _directory["disk"], "--id", Id);
        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(put.Error, Does.Contain($"at {2 * Disks.Megabyte}"));
        Assert.That(await File.ReadAllBytesAsync(_directory["staging/" + Id], cancellationToken), SameBytes.As(noise));
    }

    [Test]
    public async Task Put_ContentOfAnotherFormat_IsRefusedAndNothingIsKept(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        Disks.Noise(_directory["disk"], 2 * Disks.Megabyte);

        var put = await new Cli(daemon.Address).RunAsync(
            cancellationToken, "put", _directory["disk"], "--id", Id, "--format", "qcow2", "--json");

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Refused), put.Error);
        Assert.That(put.JsonError.GetProperty("reason").GetString(), Is.EqualTo("FORMAT_MISMATCH"));
        Assert.That(put.JsonError.GetProperty("facts").TryGetProperty("received_offset", out _), Is.False);
    }

    [Test]
    public async Task Put_ResumedWithOtherBytes_IsRefusedByTheChecksumOfTheWhole(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        await SuspendUploadAsync(daemon, new byte[Disks.Megabyte], 2 * Disks.Megabyte);
        Disks.Noise(_directory["disk"], 2 * Disks.Megabyte);

        var put = await new Cli(daemon.Address).RunAsync(
            cancellationToken, "put", _directory["disk"], "--id", Id, "--json");

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Refused), put.Error);
        Assert.That(put.JsonError.GetProperty("reason").GetString(), Is.EqualTo("DIGEST_MISMATCH"));
    }

    [Test]
    public async Task Put_UnfinishedUploadOfAnotherSize_IsRefused(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        await SuspendUploadAsync(daemon, new byte[Disks.Megabyte], 3 * Disks.Megabyte);
        Disks.Noise(_directory["disk"], 2 * Disks.Megabyte);

        var put = await new Cli(daemon.Address).RunAsync(
            cancellationToken, "put", _directory["disk"], "--id", Id, "--json");

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Refused), put.Error);
        Assert.That(put.JsonError.GetProperty("reason").GetString(), Is.EqualTo("SIZE_DIFFERS"));
    }

    [Test]
    public async Task Put_FinishedImageAgain_ReportsSuccessAndRefusesOtherBytes(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        Disks.Noise(_directory["disk"], 2 * Disks.Megabyte);
        Disks.Noise(_directory["other"], Disks.Megabyte);
        await cli.RunAsync(cancellationToken, "put", _directory["disk"], "--id", Id);

        var again = await cli.RunAsync(cancellationToken, "put", _directory["disk"], "--id", Id);
        Assert.That(again.ExitCode, Is.Zero, again.Error);
        Assert.That(again.Text, Is.EqualTo(Id));
        Assert.That(again.Error, Does.Contain("staged already"));

        var other = await cli.RunAsync(cancellationToken, "put", _directory["other"], "--id", Id);
        Assert.That(other.ExitCode, Is.EqualTo(ExitCode.Refused));
        Assert.That(other.Error, Does.Contain("[ALREADY_STAGED]"));
    }

    [Test]
    public async Task Put_WrongDigest_IsRefusedWithReasonAndFacts(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        Disks.Noise(_directory["disk"], Disks.Megabyte);
        var wrong = new string('0', 32);

        var put = await new Cli(daemon.Address).RunAsync(
            cancellationToken, "put", _directory["disk"], "--digest", $"md5={wrong}", "--json");

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Refused));
        Assert.That(put.Text, Is.Empty);
        Assert.That(put.JsonError.GetProperty("code").GetString(), Is.EqualTo("FAILED_PRECONDITION"));
        Assert.That(put.JsonError.GetProperty("reason").GetString(), Is.EqualTo("DIGEST_MISMATCH"));
        Assert.That(put.JsonError.GetProperty("facts").GetProperty("expected").GetString(), Is.EqualTo(wrong));
    }

    [Test]
    public async Task Put_NoChecksumAndSmallChunks_StagesTheSameBytes(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], Disks.Megabyte + 1);

        var put = await new Cli(daemon.Address).RunAsync(
            cancellationToken, "put", _directory["disk"], "--no-checksum", "--chunk-size", "64KiB", "--id", Id);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(await File.ReadAllBytesAsync(_directory["staging/" + Id], cancellationToken), SameBytes.As(noise));
    }

    // An upload that another sender began and left.
    private static async Task SuspendUploadAsync(Daemon daemon, byte[] data, int declaredSize)
    {
        using var call = daemon.Staging.Stage();
        var header = new StageHeader { ImageId = Id, DeclaredSize = (ulong)declaredSize };
        await call.RequestStream.WriteAsync(new StageRequest { Header = header });
        var chunk = new StageChunk { Data = Google.Protobuf.UnsafeByteOperations.UnsafeWrap(data) };
        await call.RequestStream.WriteAsync(new StageRequest { Chunk = chunk });
        await call.RequestStream.CompleteAsync();
        await Assert.ThatAsync(async () => await call.ResponseAsync, Throws.InstanceOf<global::Grpc.Core.RpcException>());
    }
}
