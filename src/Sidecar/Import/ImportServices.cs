using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Sidecar.Import.Conversion;
using Sidecar.Import.Core;
using Sidecar.Import.Hashing;
using Sidecar.Import.Inspection;
using Sidecar.Import.Processes;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Queue;
using Sidecar.Import.Settings;
using Sidecar.Import.Stages;
using Sidecar.Import.Tools;
using Sidecar.Staging.Core;

namespace Sidecar.Import;

/// <summary>
/// Registration of this slice. The staging slice must have registered <c>StagingLayout</c>, <c>SpaceLedger</c> and
/// <c>Func&lt;ImageId, StagedImage&gt;</c>.
/// </summary>
internal static class ImportServices
{
    public static IServiceCollection AddImports(this IServiceCollection services)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<IValidateOptions<ImportOptions>, ImportOptionsValidator>();
        services.AddOptions<ImportOptions>().BindConfiguration(
            ImportOptions.Section, binder => binder.ErrorOnUnknownConfiguration = true).ValidateOnStart();

        services.AddSingleton(provider => new ToolPaths(
            provider.GetRequiredService<IOptions<ImportOptions>>().Value.Tools,
            Environment.GetEnvironmentVariable("PATH") ?? ToolPaths.DefaultPath));
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<ImportOptions>>().Value;
            return new ConfinementSettings(options.Confinement, options.ConfinementPaths);
        });
        services.AddSingleton(provider => new ChildMemory(
            provider.GetRequiredService<IOptions<ImportOptions>>().Value.MaxMemoryBytes is var bytes and > 0
                ? bytes : MachineMemory.ReadLimit() / 2));
        services.AddSingleton<LauncherThread>().AddSingleton<Sandbox>().AddSingleton<ChildMetrics>().AddSingleton<ChildRunner>();
        services.AddHostedService<ConfinementProbe>();
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<ImportOptions>>().Value;
            return new ImageInspector(options.MaxVirtualBytes, options.ToleratedChecks);
        });

        services.AddSingleton<FormatValidator>();
        services.AddSingleton<ValidateImage>(provider => provider.GetRequiredService<FormatValidator>().Validate);
        services.AddSingleton<DigestForesight>();
        services.AddSingleton<ForeseeDigests>(provider => provider.GetRequiredService<DigestForesight>().Foresee);

        services.AddSingleton<QemuImg>().AddSingleton<QemuNbd>().AddSingleton<RawConversion>();
        services.AddSingleton<ImportStage, InspectionStage>();
        services.AddSingleton<FileDigests>();
        services.AddSingleton<ImportStage, SignatureStage>();
        services.AddSingleton<ImportStage, DecompressionStage>();
        services.AddSingleton<ImportStage, ConversionStage>();
        services.AddSingleton<ImportStage, MetadataStage>();
        services.AddSingleton<ImportStage, ChecksumStage>();

        services.AddSingleton<ImportMetrics>().AddSingleton<ImportPipeline>().AddSingleton<ImportQueue>();
        return services;
    }
}
