namespace Sidecar.Import.Processes.Confinement;

/// <summary>Finds out at the start how children are confined, and says so: in the log, and as a metric from then on.</summary>
internal sealed class ConfinementProbe : BackgroundService
{
    private readonly Sandbox _sandbox;
    private readonly ConfinementSettings _settings;
    private readonly ILogger<ConfinementProbe> _logger;

    public ConfinementProbe(
        Sandbox sandbox, ConfinementSettings settings, ImportMetrics metrics, ILogger<ConfinementProbe> logger)
    {
        (_sandbox, _settings, _logger) = (sandbox, settings, logger);
        metrics.ObserveConfinement(() => sandbox.KnownLayers);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var layers = await _sandbox.FindLayersAsync(stoppingToken);
            Tell(layers, holds: true);
            if (_settings.Launcher.Count > 0 && layers is not { Landlock: > 0, Seccomp: true }) Tell(layers, holds: false);
        }
        catch (ImportException failure)
        {
            // The first import tries again, and the metric shows what it finds.
            _logger.ConfinementUnknown(Text.OneLine(failure.Message));
        }
    }

    private void Tell(ConfinementLayers layers, bool holds)
    {
        var names = layers.ByName.Where(layer => layer.Holds == holds).Select(layer => layer.Mechanism).ToList();
        var text = names.Count > 0 ? string.Join(", ", names) : "nothing";
        if (holds) _logger.Confined(text, layers.Landlock);
        else _logger.NotConfined(text);
    }
}
