using System.Text.Json;
using NUnit.Framework;
using Stagectl.Tests.Harness;

namespace Stagectl.Tests;

[CancelAfter(120_000)]
internal sealed class CommandTests
{
    private const string Id = "11111111-2222-4333-8444-555555555555";

    private readonly TempDirectory _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task ListShowStatusRemove_OneImage_AgreeAndParseAsJson(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        Disks.Noise(_directory["disk"], 5000);
        await cli.RunAsync(cancellationToken, "put", _directory["disk"], "--id", Id, "--project", "demo");

        var list = await cli.RunAsync(cancellationToken, "ls", "--json");
        Assert.That(list.Json.GetProperty("imageId").GetString(), Is.EqualTo(Id));
        var show = await cli.RunAsync(cancellationToken, "show", Id, "--json");
        Assert.That(show.Json.GetProperty("projectId").GetString(), Is.EqualTo("demo"));
        Assert.That(show.Json.GetProperty("digests").GetProperty("crc32c").GetString(), Has.Length.EqualTo(8));
        var status = await cli.RunAsync(cancellationToken, "status", "--json");
        Assert.That(status.Json.GetProperty("health").GetString(), Is.EqualTo("SERVING"));
        Assert.That(status.Json.GetProperty("capacity").GetProperty("stagedBytes").GetString(), Is.EqualTo("5000"));

        var remove = await cli.RunAsync(cancellationToken, "rm", Id, "--json");
        Assert.That(remove.ExitCode, Is.Zero, remove.Error);
        Assert.That(remove.Json.GetProperty("existed").GetBoolean(), Is.True);
        var again = await cli.RunAsync(cancellationToken, "rm", Id);
        Assert.That(again.ExitCode, Is.EqualTo(ExitCode.NotFound));
        var forced = await cli.RunAsync(cancellationToken, "rm", "-f", Id);
        Assert.That(forced.ExitCode, Is.Zero, forced.Error);
    }

    [Test]
    public async Task Status_ADamagedRecord_IsNamedWithWhyAndWhen_AlsoAfterARestart(CancellationToken cancellationToken)
    {
        var records = Directory.CreateDirectory(_directory["staging/.sidecar/images"]);
        await File.WriteAllTextAsync(Path.Combine(records.FullName, $"{Id}.json"), "{}", cancellationToken);
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        for (var start = 0; start < 2; start++)
        {
            var condition = (await cli.RunAsync(cancellationToken, "status", "--json")).Json.GetProperty("condition");
            Assert.That(condition.GetProperty("damagedRecordCount").GetString(), Is.EqualTo("1"));
            var record = condition.GetProperty("damagedRecords")[0];
            Assert.That(record.GetProperty("name").GetString(), Is.EqualTo($"image-{Id}.json"));
            Assert.That(record.GetProperty("why").GetString(), Does.Contain("missing required"));
            Assert.That(record.GetProperty("setAsideAt").GetDateTime(), Is.EqualTo(DateTime.UtcNow).Within(1).Hours);
            Assert.That(condition.GetProperty("confinement").GetArrayLength(), Is.EqualTo(5));
            var text = (await cli.RunAsync(cancellationToken, "status")).Text;
            Assert.That(text, Does.Contain("Damaged records (1)").And.Contain($"image-{Id}.json").And.Contain("missing required"));
            Assert.That(text, Does.Contain("Confinement:"));
            await daemon.KillAsync(cancellationToken);
            await daemon.RestartAsync(cancellationToken);
        }

        File.Delete(_directory[$"staging/.sidecar/damaged/image-{Id}.json"]);
        var mended = await cli.RunAsync(cancellationToken, "status");
        Assert.That(mended.Text, Does.Not.Contain("Damaged records"));
    }

    [Test]
    public async Task Adopt_FileInTheStagingDirectory_BecomesAnImage(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        Disks.Noise(_directory["staging/found"], 5000);

        var adopt = await cli.RunAsync(cancellationToken, "adopt", Id, _directory["staging/found"]);

        Assert.That(adopt.ExitCode, Is.Zero, adopt.Error);
        var list = await cli.RunAsync(cancellationToken, "ls");
        Assert.That(list.Text, Does.Contain(Id).And.Contain("Adopted"));
    }

    [Test]
    public async Task UploadsAndAbort_UnfinishedUpload_ShowsItThenNothing(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        using var put = cli.Start("put", "-", "--id", Id);
        await put.Process.StandardInput.BaseStream.WriteAsync(new byte[Disks.Megabyte], cancellationToken);
        await put.Process.StandardInput.BaseStream.FlushAsync(cancellationToken);
        await daemon.WaitForOffsetAsync(Id, Disks.Megabyte, cancellationToken);

        var upload = await cli.RunAsync(cancellationToken, "uploads", Id, "--json");
        Assert.That(upload.Json.GetProperty("state").GetString(), Is.EqualTo("RECEIVING"));
        var abort = await cli.RunAsync(cancellationToken, "abort", Id);
        Assert.That(abort.ExitCode, Is.Zero, abort.Error);
        Assert.That((await cli.RunAsync(cancellationToken, "uploads", "--json")).Text, Is.Empty);
        Assert.That((await cli.RunAsync(cancellationToken, "abort", Id)).ExitCode, Is.EqualTo(ExitCode.NotFound));

        // The sender learns it as soon as it goes on.
        put.Process.StandardInput.Close();
        var aborted = await put.EndAsync(cancellationToken);
        Assert.That(aborted.ExitCode, Is.EqualTo(ExitCode.Refused), aborted.Error);
        Assert.That(aborted.Error, Does.Contain("[UPLOAD_ABORTED]"));
    }

    [Test]
    public async Task Peers_OneThatIsDown_ComesAfterThePodItselfWithTheReason(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(
            _directory, cancellationToken, "--Staging:PodName", "glance-0", "--Peers:Address", "127.0.0.1:0",
            "--Peers:AllowPlaintext", "true", "--Peers:Static:0", "glance-9=127.0.0.1:1");
        var cli = new Cli(daemon.Address);
        var peers = await cli.RunAsync(cancellationToken, "peers");
        // It may not have been asked yet.
        while (!peers.Text.Contains("refused", StringComparison.Ordinal)) peers = await cli.RunAsync(cancellationToken, "peers");

        Assert.That(peers.ExitCode, Is.Zero, peers.Error);
        var lines = peers.Text.Split('\n');
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines[1], Does.StartWith("glance-0").And.Contain("self").And.Match("[0-9.]+ .?i?B"));
        Assert.That(lines[2], Does.StartWith("glance-9").And.Contain("127.0.0.1:1").And.Contain(" no "));
        var json = await cli.RunAsync(cancellationToken, "peers", "--json");
        Assert.That(json.Text.Split('\n').Select(line => JsonDocument.Parse(line).RootElement.GetProperty("name").GetString()),
            Is.EqualTo(["glance-0", "glance-9"]));
    }

    [Test]
    public async Task Show_UnknownImage_ExitsWithNotFound(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);

        var show = await new Cli(daemon.Address).RunAsync(cancellationToken, "show", Id, "--json");

        Assert.That(show.ExitCode, Is.EqualTo(ExitCode.NotFound));
        Assert.That(show.JsonError.GetProperty("reason").GetString(), Is.EqualTo("IMAGE_NOT_FOUND"));
    }

    [Test]
    public async Task AnyCommand_NoDaemon_ExitsWithUnreachable(CancellationToken cancellationToken)
    {
        var cli = new Cli("unix:" + _directory["none.sock"]);
        Disks.Noise(_directory["disk"], 1000);

        foreach (var arguments in (string[][])[["status"], ["ls"], ["put", _directory["disk"]], ["import", Id]])
        {
            var outcome = await cli.RunAsync(cancellationToken, arguments);
            Assert.That(outcome.ExitCode, Is.EqualTo(ExitCode.Unreachable), $"{arguments[0]}: {outcome.Error}");
            Assert.That(outcome.Error.TrimEnd('\n').Split('\n'), Has.Length.EqualTo(1));
            Assert.That(outcome.Error, Does.Contain("none.sock").And.Contain("[UNREACHABLE]"));
        }
    }

    [Test]
    public async Task AnyCommand_ServerThatIsNotTrusted_ExitsWithUnreachable(CancellationToken cancellationToken)
    {
        await using var server = new UntrustedServer();

        var outcome = await new Cli(server.Address).RunAsync(cancellationToken, "status");

        Assert.That(outcome.ExitCode, Is.EqualTo(ExitCode.Unreachable), outcome.Error);
        Assert.That(outcome.Error, Does.Contain(server.Address).And.Contain("certificate").And.Contain("[UNREACHABLE]"));
    }

    [TestCase("put")]
    [TestCase("show", "no-uuid")]
    [TestCase("put", "disk", "--chunk-size", "1Mb!")]
    [TestCase("put", "disk", "--chunk-size", "1GiB")]
    [TestCase("put", "disk", "--digest", "md5")]
    [TestCase("get", Id, "--timeout", "soon")]
    [TestCase("frobnicate")]
    [TestCase("put", "/no/such/file")]
    public async Task AnyCommand_WrongArguments_ExitsWithUsageInOneLine(params string[] arguments)
    {
        var outcome = await new Cli("unix:/none").RunAsync(TestContext.CurrentContext.CancellationToken, arguments);

        Assert.That(outcome.ExitCode, Is.EqualTo(ExitCode.Usage), outcome.Error);
        Assert.That(outcome.Error, Does.StartWith("stagectl: "));
        Assert.That(outcome.Error.TrimEnd('\n').Split('\n'), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Help_OfACommand_HasExamplesAndExitCodes(CancellationToken cancellationToken)
    {
        var help = await new Cli("unix:/none").RunAsync(cancellationToken, "put", "--help");

        Assert.That(help.ExitCode, Is.Zero);
        Assert.That(help.Text, Does.Contain("Examples:").And.Contain("130  interrupted"));
    }
}
