using Sidecar.Background;
using Sidecar.Import.Core;
using Sidecar.Import.Processes.Confinement;

namespace Sidecar.Import.Processes;

/// <summary>
/// Finds out at the start how children are confined, and says so: in the log, and as a metric from then on. What cannot be
/// found out is tried again.
/// </summary>
internal sealed class ConfinementProbe : PeriodicService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Sandbox _sandbox;
    private readonly ConfinementSettings _settings;
    private readonly ILogger<ConfinementProbe> _logger;
    private bool _isKnown;

    public ConfinementProbe(
        Sandbox sandbox, ConfinementSettings settings, ChildMetrics metrics, LoopHealth health, TimeProvider clock,
        ILogger<ConfinementProbe> logger) : base("confinement_probe", Interval, FirstRound.AtOnce, health, clock)
    {
        (_sandbox, _settings, _logger) = (sandbox, settings, logger);
        metrics.ObserveConfinement(() => sandbox.KnownLayers);
    }

    protected override async Task RoundAsync(CancellationToken stoppingToken)
    {
        if (_isKnown) return;
        try
        {
            var layers = await _sandbox.FindLayersAsync(stoppingToken);
            _isKnown = true;
            Tell(layers, holds: true);
            if (_settings.Launcher.Count > 0 && layers is not { Landlock: > 0, Seccomp: true }) Tell(layers, holds: false);
        }
        catch (ImportException failure)
        {
            _logger.ConfinementUnknown(Text.OneLine($"{failure.Message} {failure.Detail}"));
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
