using Microsoft.Extensions.Options;
using Sidecar.Import.Settings;

namespace Sidecar.Import.Stages;

/// <summary>Adds configured properties to the result, unless one of the user's roles is left alone.</summary>
internal sealed class MetadataStage(IOptions<ImportOptions> options) : ImportStage
{
    public const string StageName = "inject_image_metadata";

    private readonly MetadataOptions _options = options.Value.Metadata;

    public override string Name => StageName;

    public override Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken)
    {
        var ignored = work.Request.UserRoles.Intersect(_options.ResolveIgnoreUserRoles()).Any();
        var applies = _options.Inject.Count > 0 && !ignored;
        return Task.FromResult(applies ? new StagePlan(true, 0, 0) : StagePlan.Skip);
    }

    public override Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        foreach (var (name, value) in _options.Inject) work.Properties[name] = value;
        return Task.CompletedTask;
    }
}
