using Microsoft.Extensions.Options;
using Sidecar.Stores.Core;
using Sidecar.Stores.Journal;
using Sidecar.Stores.Writing;

namespace Sidecar.Stores;

/// <summary>Registers the slice that writes images straight to Glance's stores. Staging, imports and routing must be there.</summary>
internal static class StoresServices
{
    public static IServiceCollection AddStores(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<StoresOptions>, StoresOptionsValidator>();
        services.AddOptions<StoresOptions>().BindConfiguration(
            StoresOptions.Section, binder => binder.ErrorOnUnknownConfiguration = true).ValidateOnStart();
        services.AddSingleton<StoreMetrics>().AddSingleton<StoreJournal>().AddSingleton<StoreSources>().AddSingleton<SourceDisks>();
        services.AddSingleton<WriterProcess>().AddSingleton<StoreAttempts>().AddSingleton<StoreWrites>();
        return services;
    }
}
