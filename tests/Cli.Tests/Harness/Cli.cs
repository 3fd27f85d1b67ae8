using System.Diagnostics;
using System.Text.Json;

namespace Stagectl.Tests.Harness;

/// <summary>What a stagectl process left.</summary>
internal sealed record CliOutcome(int ExitCode, byte[] Bytes, string Error)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Bytes).TrimEnd('\n');

    public JsonElement Json => JsonDocument.Parse(Text).RootElement;

    /// <summary>The one error object that --json leaves.</summary>
    public JsonElement JsonError => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => JsonDocument.Parse(line).RootElement)
        .Single(line => line.TryGetProperty("error", out _)).GetProperty("error");
}

/// <summary>Runs stagectl as a process.</summary>
/// <param name="address">Of the sidecar; null: none is named.</param>
/// <param name="environment">Variables beside those of the tests.</param>
internal sealed class Cli(string? address, params (string Name, string Value)[] environment)
{
    public async Task<CliOutcome> RunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        using var run = Start(arguments);
        run.Process.StandardInput.Close();
        return await run.EndAsync(cancellationToken);
    }

    public CliRun Start(params string[] arguments) =>
        new(Programs.Start("stagectl", address is null ? arguments : ["--server", address, .. arguments], environment));
}

/// <summary>A stagectl process that runs.</summary>
internal sealed class CliRun : IDisposable
{
    private readonly MemoryStream _output = new();
    private readonly Task _reading;
    private readonly Task<string> _error;

    public CliRun(Process process)
    {
        Process = process;
        _reading = process.StandardOutput.BaseStream.CopyToAsync(_output);
        _error = process.StandardError.ReadToEndAsync();
    }

    public Process Process { get; }

    public async Task<CliOutcome> EndAsync(CancellationToken cancellationToken)
    {
        await Process.WaitForExitAsync(cancellationToken);
        await _reading;
        return new CliOutcome(Process.ExitCode, _output.ToArray(), await _error);
    }

    public void Dispose()
    {
        if (!Process.HasExited) Process.Kill();
        Process.Dispose();
    }
}
