using Sidecar.Import.Settings;

namespace Sidecar.Import.Stages;

/// <summary>
/// One step of an import. A new one is one file, a line in <see cref="ImportServices"/> and a name in
/// <see cref="ImportOptions.Plugins"/>. One object serves all imports at once: what belongs to one is in its
/// <see cref="ImportWork"/>.
/// </summary>
internal abstract class ImportStage
{
    /// <summary>The name of Glance's import plugin, where it has one.</summary>
    public abstract string Name { get; }

    /// <summary>Tells whether there is anything to do, and what that needs.</summary>
    public abstract Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken);

    /// <summary>
    /// Does it. Bytes that it made are durable when it returns; on failure and cancellation it may leave files in the
    /// import's directory, which the caller removes.
    /// </summary>
    public abstract Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken);
}
