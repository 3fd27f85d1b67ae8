using Microsoft.Extensions.Options;
using Sidecar.Staging.Core;
using Sidecar.Staging.Disk;
using Sidecar.Staging.Space;

namespace Sidecar.Staging;

/// <summary>Registers the staging slice. Whoever knows image formats must register <see cref="ValidateImage"/>
/// and <see cref="ForeseeDigests"/>.</summary>
internal static class StagingServices
{
    public static IServiceCollection AddStaging(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<StagingOptions>()
            .Bind(configuration.GetSection(StagingOptions.Section), binder => binder.ErrorOnUnknownConfiguration = true)
            .PostConfigure(options =>
            {
                if (options.PodName.Length == 0) options.PodName = Environment.MachineName;
            })
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<StagingOptions>, StagingOptionsValidator>();
        services.AddSingleton<StagingMetrics>().AddSingleton<StagingGauges>();
        services.AddSingleton(provider => new StagingLayout(
            StagingDirectory.Resolve(provider.GetRequiredService<IOptions<StagingOptions>>().Value)));
        services.AddSingleton(provider => new StagingContext(
            provider.GetRequiredService<IOptions<StagingOptions>>().Value,
            provider.GetRequiredService<StagingLayout>(),
            provider.GetRequiredService<StagingMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("Sidecar.Staging"),
            provider.GetRequiredService<ValidateImage>(),
            provider.GetRequiredService<ForeseeDigests>()));
        services.AddSingleton(provider => new SpaceLedger(
            Volume.Measure(provider.GetRequiredService<StagingLayout>()),
            provider.GetRequiredService<IOptions<StagingOptions>>().Value));
        services.AddSingleton<StagingArea>();
        services.AddSingleton<UnmanagedWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<UnmanagedWatch>());
        services.AddSingleton<Func<ImageId, StagedImage>>(
            provider => provider.GetRequiredService<StagingArea>().GetImage);
        return services;
    }
}
