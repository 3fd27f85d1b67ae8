using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure.Network;
using Stagectl.Tests.Harness;
using Stagectl.Tests.Harness.Ingest;

namespace Stagectl.Tests;

/// <summary><c>put --via</c>, through the ingest of a real daemon.</summary>
[CancelAfter(120_000)]
internal sealed class PutViaTests
{
    private const string Id = "11111111-2222-4333-8444-555555555555";

    private readonly TempDirectory _directory = new();
    private readonly Cli _cli = new(null);

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task Put_File_IsStagedThroughGlance(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], (3 * Disks.Megabyte) + 12345);

        var put = await RunAsync(scene, cancellationToken, "--json");

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(put.Json.GetProperty("imageId").GetString(), Is.EqualTo(scene.Glance.ImageId));
        Assert.That(put.Json.GetProperty("size").GetString(), Is.EqualTo($"{noise.Length}"));
        Assert.That(await File.ReadAllBytesAsync(scene.StagedFile, cancellationToken), SameBytes.As(noise));
        Assert.That(scene.Glance.Requests, Is.EqualTo((string[])[$"PUT /v2/images/{scene.Glance.ImageId}/stage HTTP/1.1"]));
        Assert.That(put.Error, Does.Not.Contain(FakeGlance.Token));
    }

    [Test]
    public async Task Put_CutOffMidway_GoesOnWhereItWas(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], 24 * Disks.Megabyte);
        scene.Relay.CutAfter(12 * Disks.Megabyte);

        var put = await RunAsync(scene, cancellationToken);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(put.Error, Does.Match("Going on with the upload of image .* at [1-9]"));
        Assert.That(await File.ReadAllBytesAsync(scene.StagedFile, cancellationToken), SameBytes.As(noise));
        // What was on its way when it was cut off is sent again; not what had arrived.
        Assert.That(scene.Relay.Sent, Is.LessThan(noise.Length + (8 * Disks.Megabyte)));
    }

    [Test]
    public async Task Put_CutOffAfterTheLastByte_IsFoundStaged(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], 2 * Disks.Megabyte);
        scene.Relay.LoseNextAnswer();

        var put = await RunAsync(scene, cancellationToken);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(put.Error, Does.Contain($"All {noise.Length} bytes"));
        Assert.That(await File.ReadAllBytesAsync(scene.StagedFile, cancellationToken), SameBytes.As(noise));
        Assert.That(scene.Relay.Sent, Is.LessThan(noise.Length + Disks.Megabyte));
    }

    [Test]
    public async Task Put_DaemonKilledMeanwhile_GoesOnAfterItsRestart(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], 24 * Disks.Megabyte);
        scene.Relay.HoldAfter(12 * Disks.Megabyte);

        using var run = _cli.Start(scene.Put(_directory["disk"]));
        await scene.Daemon.WaitForOffsetAsync(scene.Glance.ImageId, 8 * Disks.Megabyte, cancellationToken);
        await scene.Daemon.KillAsync(cancellationToken);
        scene.Relay.Release();
        await scene.Daemon.RestartAsync(cancellationToken);
        scene.Relay.Target = scene.Daemon.Ingest;
        var put = await run.EndAsync(cancellationToken);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(await File.ReadAllBytesAsync(scene.StagedFile, cancellationToken), SameBytes.As(noise));
    }

    [Test]
    public async Task Put_StandardInput_StagesAllOfIt_AlsoWhenItIsCutOff(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], (20 * Disks.Megabyte) + 7);
        scene.Relay.CutAfter(10 * Disks.Megabyte);

        using var run = _cli.Start(scene.Put("-"));
        await run.Process.StandardInput.BaseStream.WriteAsync(noise, cancellationToken);
        run.Process.StandardInput.Close();
        var put = await run.EndAsync(cancellationToken);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(await File.ReadAllBytesAsync(scene.StagedFile, cancellationToken), SameBytes.As(noise));
    }

    [Test]
    public async Task Put_StandardInputThatHasToBeReadAgain_SaysThatItCannot(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], 30 * Disks.Megabyte);
        scene.Glance.KeepsNothing = true;
        scene.Relay.CutAfter(28 * Disks.Megabyte);

        using var run = _cli.Start(scene.Put("-"));
        try
        {
            await run.Process.StandardInput.BaseStream.WriteAsync(noise, cancellationToken);
            run.Process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has given up by then.
        }

        var put = await run.EndAsync(cancellationToken);

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Usage), put.Error);
        Assert.That(put.Error, Does.Contain("Put a file to be able to resume anywhere"));
    }

    [Test]
    public async Task Put_Interrupted_IsGoneOnWithByResume(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], 24 * Disks.Megabyte);
        scene.Relay.HoldAfter(12 * Disks.Megabyte);

        using var run = _cli.Start(scene.Put(_directory["disk"], "--json"));
        await scene.Daemon.WaitForOffsetAsync(scene.Glance.ImageId, 8 * Disks.Megabyte, cancellationToken);
        run.Process.Signal(Programs.SigInt);
        var interrupted = await run.EndAsync(cancellationToken);
        Assert.That(interrupted.ExitCode, Is.EqualTo(ExitCode.Interrupted), interrupted.Error);
        Assert.That(interrupted.JsonError.GetProperty("message").GetString(), Does.Contain("--resume"));

        var before = scene.Relay.Sent;
        scene.Relay.Release();
        var put = await RunAsync(scene, cancellationToken, "--resume");
        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(put.Error, Does.Match("Going on with the upload of image .* at [1-9]"));
        Assert.That(await File.ReadAllBytesAsync(scene.StagedFile, cancellationToken), SameBytes.As(noise));
        Assert.That(scene.Relay.Sent - before, Is.LessThan(noise.Length));
    }

    [Test]
    public async Task Put_ResumedWhenAllOfItIsThere_SendsNothing(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        Disks.Noise(_directory["disk"], Disks.Megabyte);
        await RunAsync(scene, cancellationToken);

        var again = await RunAsync(scene, cancellationToken, "--resume");
        Assert.That(again.ExitCode, Is.Zero, again.Error);
        Assert.That(scene.Glance.Requests.Count(line => line.StartsWith("PUT", StringComparison.Ordinal)), Is.EqualTo(1));

        Disks.Noise(_directory["disk"], Disks.Megabyte + 1);
        var other = await RunAsync(scene, cancellationToken, "--resume");
        Assert.That(other.ExitCode, Is.EqualTo(ExitCode.Refused));
        Assert.That(other.Error, Does.Contain("[ALREADY_STAGED]"));
    }

    [Test]
    public async Task Put_WithATrustedCertificate_IsStaged_AndWithAnotherRefused(CancellationToken cancellationToken)
    {
        using var authority = new TestAuthority();
        using var other = new TestAuthority();
        await using var scene = await IngestScene.StartEncryptedAsync(_directory, authority, cancellationToken);
        await File.WriteAllTextAsync(_directory["ca"], authority.RootPem, cancellationToken);
        await File.WriteAllTextAsync(_directory["other"], other.RootPem, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], 16 * Disks.Megabyte);

        var refused = await RunAsync(scene, cancellationToken, "--ca-file", _directory["other"]);
        Assert.That(refused.ExitCode, Is.EqualTo(ExitCode.Unreachable), refused.Error);
        Assert.That(refused.Error, Does.Contain("--ca-file").And.Contain("[UNTRUSTED]"));
        Assert.That(scene.Glance.Requests, Is.Empty);

        scene.Relay.CutAfter(scene.Relay.Sent + (8 * Disks.Megabyte));
        var put = await RunAsync(scene, cancellationToken, "--ca-file", _directory["ca"]);
        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(put.Error, Does.Match("Going on with the upload of image .* at [1-9]"));
        Assert.That(await File.ReadAllBytesAsync(scene.StagedFile, cancellationToken), SameBytes.As(noise));
    }

    [Test]
    public async Task Put_WithTheEnvironmentsAuthorities_TrustsThoseOnly_UnlessAFileIsNamed(CancellationToken cancellationToken)
    {
        using var authority = new TestAuthority();
        using var other = new TestAuthority();
        await using var scene = await IngestScene.StartEncryptedAsync(_directory, authority, cancellationToken);
        await File.WriteAllTextAsync(_directory["ca"], authority.RootPem, cancellationToken);
        await File.WriteAllTextAsync(_directory["other"], other.RootPem, cancellationToken);
        await File.WriteAllTextAsync(_directory["none"], "no certificate", cancellationToken);
        var noise = Disks.Noise(_directory["disk"], Disks.Megabyte);

        var empty = await RunUnderAsync("none");
        Assert.That(empty.ExitCode, Is.EqualTo(ExitCode.Usage), empty.Error);
        Assert.That(empty.Error, Does.Contain("(OS_CACERT) has no certificates in PEM"));
        var refused = await RunUnderAsync("other");
        Assert.That(refused.ExitCode, Is.EqualTo(ExitCode.Unreachable), refused.Error);
        Assert.That(refused.Error, Does.Contain("OS_CACERT").And.Contain("[UNTRUSTED]"));
        refused = await RunUnderAsync("ca", "--ca-file", _directory["other"]);
        Assert.That(refused.Error, Does.Contain("[UNTRUSTED]"));
        Assert.That(scene.Glance.Requests, Is.Empty);

        var put = await RunUnderAsync("ca");
        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(await File.ReadAllBytesAsync(scene.StagedFile, cancellationToken), SameBytes.As(noise));

        Task<CliOutcome> RunUnderAsync(string authorities, params string[] more) =>
            new Cli(null, ("OS_CACERT", _directory[authorities])).RunAsync(cancellationToken, scene.Put(_directory["disk"], more));
    }

    [Test]
    public async Task Put_GlanceThatIsAwayForAMoment_IsTriedAgain(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        var noise = Disks.Noise(_directory["disk"], Disks.Megabyte);
        scene.Glance.Script("503 Service Unavailable\nRetry-After: 1", "409 Conflict\nUpload-Offset: 0", "409 Conflict");

        var put = await RunAsync(scene, cancellationToken);

        Assert.That(put.ExitCode, Is.Zero, put.Error);
        Assert.That(put.Error, Does.Contain("(503): because & so"));
        Assert.That(await File.ReadAllBytesAsync(scene.StagedFile, cancellationToken), SameBytes.As(noise));
    }

    [TestCase("400 Bad Request", ExitCode.Refused, "REFUSED")]
    [TestCase("403 Forbidden", ExitCode.Refused, "FORBIDDEN")]
    [TestCase("404 Not Found", ExitCode.NotFound, "IMAGE_NOT_FOUND")]
    [TestCase("413 Request Entity Too Large", ExitCode.Refused, "IMAGE_TOO_LARGE")]
    [TestCase("302 Found\nLocation: https://elsewhere.example", ExitCode.Refused, "REDIRECTED")]
    public async Task Put_ThatGlanceRefuses_EndsBeforeTheBodyIsSent(
        string answer, int exitCode, string reason, CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        Disks.Noise(_directory["disk"], 4 * Disks.Megabyte);
        scene.Glance.Script(answer);

        var put = await RunAsync(scene, cancellationToken, "--json");

        Assert.That(put.ExitCode, Is.EqualTo(exitCode), put.Error);
        Assert.That(put.JsonError.GetProperty("reason").GetString(), Is.EqualTo(reason));
        Assert.That(put.JsonError.GetProperty("facts").GetProperty("http_status").GetString(), Is.EqualTo(answer[..3]));
        Assert.That(scene.Relay.Sent, Is.LessThan(Disks.Megabyte));
    }

    [Test]
    public async Task Put_ContentThatIsRefusedInMidBody_TellsWhy(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        var disguised = Disks.Noise(_directory["disk"], 120 * Disks.Megabyte);
        new byte[] { (byte)'Q', (byte)'F', (byte)'I', 0xfb }.CopyTo(disguised, 0);
        await File.WriteAllBytesAsync(_directory["disk"], disguised, cancellationToken);
        scene.Glance.DiskFormat = "raw";

        var put = await RunAsync(scene, cancellationToken);

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Refused), put.Error);
        Assert.That(put.Error, Does.Contain("qcow2").And.Contain("[REFUSED]").And.Not.Contain("--resume"));
        Assert.That(scene.Relay.Sent, Is.LessThan(disguised.Length));
    }

    [Test]
    public async Task Put_TokenThatGlanceDoesNotTake_IsNotShown(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        Disks.Noise(_directory["disk"], Disks.Megabyte);
        await File.WriteAllTextAsync(_directory["token"], "gAAAAABstale", cancellationToken);

        var put = await RunAsync(scene, cancellationToken);

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Refused), put.Error);
        Assert.That(put.Error, Does.Contain("[TOKEN_REFUSED]").And.Contain("openstack token issue").And.Not.Contain("stale"));
    }

    [Test]
    public async Task Put_GlanceThatSaysNothing_EndsWhenTheTimeIsOver(CancellationToken cancellationToken)
    {
        await using var scene = await IngestScene.StartAsync(_directory, cancellationToken);
        Disks.Noise(_directory["disk"], Disks.Megabyte);
        scene.Relay.HoldAfter(0);

        var put = await RunAsync(scene, cancellationToken, "--timeout", "1s");

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Unreachable), put.Error);
        Assert.That(put.Error, Does.Contain("--timeout").And.Contain("[TIMEOUT]"));
    }

    [Test]
    public async Task Put_NobodyThere_ExitsWithUnreachable(CancellationToken cancellationToken)
    {
        Disks.Noise(_directory["disk"], 1000);
        await File.WriteAllTextAsync(_directory["token"], FakeGlance.Token, cancellationToken);

        var put = await _cli.RunAsync(
            cancellationToken, "put", _directory["disk"], "--id", Guid.NewGuid().ToString("D"), "--via", "http://127.0.0.1:1",
            "--token-file", _directory["token"]);

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Unreachable), put.Error);
        Assert.That(put.Error, Does.Contain("http://127.0.0.1:1 cannot be reached").And.Contain("[UNREACHABLE]"));
    }

    [TestCase("--via", "ftp://images.example", "--id", Id)]
    [TestCase("--via", "https://me:secret@images.example", "--id", Id)]
    [TestCase("--via", "https://images.example")]
    [TestCase("--via", "http://images.example", "--id", Id)]
    [TestCase("--via", "https://images.example", "--id", Id, "--format", "qcow2")]
    [TestCase("--via", "https://images.example", "--id", Id, "--server", "unix:/s")]
    [TestCase("--via", "https://images.example", "--id", Id, "--token-file", "/dev/null")]
    [TestCase("--via", "https://images.example", "--id", Id, "--ca-file", "/dev/null")]
    [TestCase("--resume")]
    [TestCase("--token-file", "token")]
    public async Task Put_OptionsThatDoNotGoTogether_ExitsWithUsage(params string[] options)
    {
        Disks.Noise(_directory["disk"], 1000);

        var put = await _cli.RunAsync(TestContext.CurrentContext.CancellationToken, ["put", _directory["disk"], .. options]);

        Assert.That(put.ExitCode, Is.EqualTo(ExitCode.Usage), put.Error);
        Assert.That(put.Error.TrimEnd('\n').Split('\n'), Has.Length.EqualTo(1));
    }

    private Task<CliOutcome> RunAsync(IngestScene scene, CancellationToken cancellationToken, params string[] more) =>
        _cli.RunAsync(cancellationToken, scene.Put(_directory["disk"], more));
}
