using Microsoft.Extensions.Options;
using Sidecar.Downloads.Core;
using Sidecar.Downloads.Fetching;

namespace Sidecar.Downloads;

/// <summary>Registers the slice that downloads images. Staging must be there.</summary>
internal static class DownloadsServices
{
    public static IServiceCollection AddDownloads(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<DownloadsOptions>, DownloadsOptionsValidator>();
        services.AddOptions<DownloadsOptions>().BindConfiguration(
            DownloadsOptions.Section, binder => binder.ErrorOnUnknownConfiguration = true).ValidateOnStart();
        services.AddSingleton<DownloadMetrics>().AddSingleton<ReadAheadMemory>().AddSingleton<Downloader>();
        return services;
    }
}
