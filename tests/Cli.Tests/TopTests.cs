using System.Diagnostics;
using NUnit.Framework;
using Stagectl.Tests.Harness;

namespace Stagectl.Tests;

[CancelAfter(120_000)]
internal sealed class TopTests
{
    private const string Id = "11111111-2222-4333-8444-555555555555";
    private const char Escape = '\u001b';

    private readonly TempDirectory _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task Top_NotAtATerminal_PrintsPlainPages(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        var cli = new Cli(daemon.Address);
        Disks.Noise(_directory["disk"], 5000);
        await cli.RunAsync(cancellationToken, "put", _directory["disk"], "--id", Id);

        var top = await cli.RunAsync(cancellationToken, "top", "--count", "2", "--interval", "1ms");

        Assert.That(top.ExitCode, Is.Zero, top.Error);
        Assert.That(top.Text, Does.Contain("accepts uploads").And.Contain("1 images, 4.88 KiB"));
        Assert.That(top.Text.Split("Uploads"), Has.Length.EqualTo(3), "two looks");
        Assert.That(top.Text, Does.Not.Contain(Escape));
    }

    [Test]
    public async Task Top_Json_IsADocumentALook(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);

        var top = await new Cli(daemon.Address).RunAsync(cancellationToken, "top", "--count", "1", "--json");

        Assert.That(top.ExitCode, Is.Zero, top.Error);
        Assert.That(top.Json.GetProperty("capacity").GetProperty("acceptsUploads").GetBoolean(), Is.True);
        Assert.That(top.Json.GetProperty("uploads").GetArrayLength(), Is.Zero);
        Assert.That(top.Json.GetProperty("health").GetString(), Is.EqualTo("SERVING"));
    }

    [Test]
    public async Task Top_AtATerminal_DrawsInPlace_UntilInterrupted(CancellationToken cancellationToken)
    {
        await using var daemon = await Daemon.StartAsync(_directory, cancellationToken);
        // "exec", as a shell that waits for the program gets the Ctrl-C as well: dash ends with 130 whatever the program does.
        var command = $"exec {string.Join(' ', Programs.Command("stagectl"))} --server {daemon.Address} top --interval 20ms";
        var start = new ProcessStartInfo("script", ["-qec", command, "/dev/null"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        start.Environment["TERM"] = "xterm-256color";
        start.Environment["SHELL"] = "/bin/sh"; // runs the command; without it, whatever the user's shell is
        using var script = Programs.Start(start);

        var drawn = await DrawnAsync(script.StandardOutput, "Volume", 3, cancellationToken);
        await script.StandardInput.WriteAsync('\u0003');
        await script.StandardInput.FlushAsync(cancellationToken);
        var last = await script.StandardOutput.ReadToEndAsync(cancellationToken);
        await script.WaitForExitAsync(cancellationToken);

        Assert.That(drawn, Does.Contain($"{Escape}["), "moves the cursor back");
        Assert.That(script.ExitCode, Is.Zero, "Ctrl-C is how one leaves; its last words: " + last);
    }

    [Test]
    public async Task Top_CountThatIsNone_IsAUsageError(CancellationToken cancellationToken)
    {
        var top = await new Cli("unix:/nowhere").RunAsync(cancellationToken, "top", "--count", "0");

        Assert.That(top.ExitCode, Is.EqualTo(ExitCode.Usage));
        Assert.That(top.Error, Does.Contain("'0' is not a number from 1 on"));
    }

    // Reads until a text was drawn so many times.
    private static async Task<string> DrawnAsync(
        StreamReader output, string text, int times, CancellationToken cancellationToken)
    {
        var (drawn, buffer) = ("", new char[4096]);
        while (drawn.Split(text).Length <= times)
        {
            var read = await output.ReadAsync(buffer, cancellationToken);
            Assert.That(read, Is.Positive, "it ended early:\n" + drawn);
            drawn += new string(buffer, 0, read);
        }

        return drawn;
    }
}
