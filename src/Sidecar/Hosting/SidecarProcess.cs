using System.Globalization;
using Microsoft.Extensions.Options;
using Sidecar.Hosting.Configuration;
using Sidecar.Import.Processes.Confinement;
using Sidecar.Staging.Core;
using Sidecar.Stores;
using Sidecar.Telemetry;

namespace Sidecar.Hosting;

/// <summary>From arguments to exit code.</summary>
internal static class SidecarProcess
{
    public const int Success = 0;
    public const int Failure = 1;
    public const int BadConfiguration = 2;

    /// <summary>
    /// Runs the daemon until SIGTERM or SIGINT. A setting that is wrong stops the start with one line on standard
    /// error and exit code 2; anything else that prevents it, or ends the daemon, is exit code 1.
    /// </summary>
    public static async Task<int> RunAsync(string[] args)
    {
        if (args is ["--help" or "-h" or "help", ..])
        {
            Console.Out.Write(Help.Text());
            return Success;
        }

        if (args is [ConfinedLauncher.Role, ..]) return ConfinedLauncher.Run(args[1..]);
        if (args is [StoreWriter.Role]) return await StoreWriter.RunAsync();

        if (args is ["--version"])
        {
            Console.Out.WriteLine(SidecarVersion.Text);
            return Success;
        }

        try
        {
            if (args is [WebhookHost.Mode, ..])
            {
                await using var webhook = WebhookHost.Build(args[1..]);
                return await EndOfAsync(webhook, WebhookHost.RunAsync(webhook));
            }

            await using var app = SidecarHost.Build(args);
            return await RunAsync(app);
        }
        catch (Exception failure) when (Explain(failure) is { } line)
        {
            await Console.Error.WriteLineAsync($"glance-staging-sidecar: {line}");
            return BadConfiguration;
        }
        catch (IOException failure)
        {
            // Kestrel's words for an address that is taken; they name it.
            await Console.Error.WriteLineAsync($"glance-staging-sidecar: {OneLine(failure.Message)}");
            return Failure;
        }
    }

    /// <summary>Runs it to its end, which is a success only when a signal asked for it.</summary>
    public static Task<int> RunAsync(WebApplication app) => EndOfAsync(app, SidecarHost.RunAsync(app));

    private static async Task<int> EndOfAsync(WebApplication app, Task run)
    {
        await run;
        if (app.Services.GetRequiredService<SignalLifetime>().Signalled) return Success;
        var last = app.Services.GetRequiredService<RecentProblems>().Newest()
            .FirstOrDefault(problem => problem.Level >= LogLevel.Error);
        await Console.Error.WriteLineAsync(
            "glance-staging-sidecar: the daemon stopped without a signal to do so. The last error in its log: "
            + (last.Text is null ? "none" : OneLine(last.Text)));
        return Failure;
    }

    // Null for anything that is not the configuration's fault: that deserves its stack trace.
    private static string? Explain(Exception failure) => failure switch
    {
        ConfigurationException or StagingStartException => OneLine(failure.Message),
        OptionsValidationException invalid => OneLine(string.Join(" ", invalid.Failures)),
        InvalidOperationException or FormatException when IsBinding(failure) => OneLine(failure.Message),
        InvalidDataException => OneLine($"{failure.Message} {failure.InnerException?.Message}"),
        FileNotFoundException => OneLine(failure.Message),
        _ => null,
    };

    private static bool IsBinding(Exception failure) =>
        failure.Message.StartsWith("Failed to convert configuration value", StringComparison.Ordinal)
        || failure.Message.Contains("ErrorOnUnknownConfiguration", StringComparison.Ordinal)
        || failure is FormatException;

    private static string OneLine(string text) =>
        string.Join(' ', text.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries))
            .ToString(CultureInfo.InvariantCulture);
}
