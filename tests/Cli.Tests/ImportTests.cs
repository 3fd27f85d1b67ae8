using NUnit.Framework;
using Stagectl.Tests.Harness;

namespace Stagectl.Tests;

[CancelAfter(120_000)]
internal sealed class ImportTests
{
    private const string ImportId = "aaaaaaaa-2222-4333-8444-555555555555";

    private readonly TempDirectory _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task Import_Qcow2ToRaw_ShowsStagesAndReadsBackTheDisk(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(
            _directory, cancellationToken, "--Import:Metadata:Inject:os_distro", "debian");
        var cli = new Cli(daemon.Address);
        var image = (await cli.RunAsync(cancellationToken, "put", _directory.Qcow2())).Text;

        var import = await cli.RunAsync(
            cancellationToken, "import", image, "--id", ImportId, "--to", "raw", "--json",
            "--stage", "image_conversion", "--stage", "inject_image_metadata");
        Assert.That(import.ExitCode, Is.Zero, import.Error);
        var result = import.Json.GetProperty("result");
        Assert.That(result.GetProperty("diskFormat").GetString(), Is.EqualTo("raw"));
        Assert.That(result.GetProperty("virtualSize").GetString(), Is.EqualTo($"{16 * Disks.Megabyte}"));
        Assert.That(result.GetProperty("properties").GetProperty("os_distro").GetString(), Is.EqualTo("debian"));
        Assert.That(import.Error, Does.Contain("image_conversion").And.Contain("progress"));

        var get = await cli.RunAsync(
            cancellationToken, "get", image, "--import", ImportId, "-o", _directory["copy.raw"]);
        Assert.That(get.ExitCode, Is.Zero, get.Error);
        Assert.That(
            await File.ReadAllBytesAsync(_directory["copy.raw"], cancellationToken),
            SameBytes.As(await File.ReadAllBytesAsync(_directory["disk.raw"], cancellationToken)));

        var shown = await cli.RunAsync(cancellationToken, "imports", ImportId);
        Assert.That(shown.Text, Does.Contain("Succeeded").And.Contain("image_conversion").And.Contain("os_distro"));
        var listed = await cli.RunAsync(cancellationToken, "imports", "--image", image);
        Assert.That(listed.Text.Split('\n'), Has.Length.EqualTo(2));
    }

    [Test]
    public async Task Import_ContentOfAnotherFormat_FailsWithReasonAndStage(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        var image = (await cli.RunAsync(cancellationToken, "put", _directory.Qcow2())).Text;

        var import = await cli.RunAsync(cancellationToken, "import", image, "--format", "vmdk", "--json");

        Assert.That(import.ExitCode, Is.EqualTo(ExitCode.Refused), import.Error);
        Assert.That(import.JsonError.GetProperty("reason").GetString(), Is.EqualTo("FORMAT_MISMATCH"));
        Assert.That(import.JsonError.GetProperty("facts").GetProperty("claimed").GetString(), Is.EqualTo("vmdk"));
        Assert.That(
            import.JsonError.GetProperty("facts").GetProperty("stage").GetString(), Is.EqualTo("image_inspection"));
    }

    [Test]
    public async Task Import_Signed_IsVerified_AndWrongOnesAreRefused(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        var disk = _directory.Qcow2();
        var image = (await cli.RunAsync(cancellationToken, "put", disk)).Text;
        var signer = new ImageSigner(_directory["signers"]);
        var signature = signer.Sign(await File.ReadAllBytesAsync(disk, cancellationToken), "SHA-512");
        var certificate = _directory[$"{signer.CertificateUuid}.pem"];
        await File.WriteAllBytesAsync(certificate, signer.Certificate, cancellationToken);

        var right = await cli.RunAsync(
            cancellationToken, "import", image, "--signature", signature, "--hash-method", "SHA-512", "--certificate", certificate);
        var wrong = await cli.RunAsync(cancellationToken, "import", image, "--signature", signature, "--certificate", certificate, "--json");
        var half = await cli.RunAsync(cancellationToken, "import", image, "--signature", signature);

        Assert.That(right.ExitCode, Is.Zero, right.Error);
        Assert.That(right.Text, Does.Contain("verified; the output is other bytes").And.Contain("image_signature_verification"));
        Assert.That(wrong.JsonError.GetProperty("reason").GetString(), Is.EqualTo("SIGNATURE_INVALID"));
        Assert.That(half.ExitCode, Is.EqualTo(ExitCode.Usage));
        Assert.That(half.Error, Does.Contain("--certificate"));
    }

    [Test]
    public async Task Cancel_RunningImport_EndsItAndItsFollower(CancellationToken cancellationToken)
    {
        var stuck = _directory["qemu-nbd"];
        await File.WriteAllTextAsync(stuck, "#!/bin/sh\nexec sleep 1000\n", cancellationToken);
        File.SetUnixFileMode(stuck, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken, "--Import:Tools:QemuNbd", stuck, "--Import:Confinement", "off");
        var cli = new Cli(daemon.Address);
        var image = (await cli.RunAsync(cancellationToken, "put", _directory.Qcow2())).Text;

        var detached = await cli.RunAsync(cancellationToken, "import", image, "--id", ImportId, "--detach");
        Assert.That(detached.ExitCode, Is.Zero, detached.Error);
        Assert.That(detached.Text, Is.EqualTo(ImportId));
        using var follower = cli.Start("import", image, "--id", ImportId);
        var cancel = await cli.RunAsync(cancellationToken, "cancel", ImportId, "--json");
        Assert.That(cancel.ExitCode, Is.Zero, cancel.Error);
        Assert.That(cancel.Json.GetProperty("state").GetString(), Is.EqualTo("CANCELLED"));

        var followed = await follower.EndAsync(cancellationToken);
        Assert.That(followed.ExitCode, Is.EqualTo(ExitCode.Refused), followed.Error);
        Assert.That(followed.Error, Does.Contain("[CANCELLED]"));
    }

    [Test]
    public async Task Release_FinishedImport_RemovesItAndTheImage(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        var image = (await cli.RunAsync(cancellationToken, "put", _directory.Qcow2())).Text;
        await cli.RunAsync(cancellationToken, "import", image, "--id", ImportId);

        var kept = await cli.RunAsync(cancellationToken, "release", ImportId);
        Assert.That(kept.ExitCode, Is.Zero, kept.Error);

        var shown = await cli.RunAsync(cancellationToken, "imports", ImportId);
        Assert.That(shown.ExitCode, Is.EqualTo(ExitCode.NotFound));
        var listed = await cli.RunAsync(cancellationToken, "ls", "--json");
        Assert.That(listed.Text, Is.Empty);
    }
}
