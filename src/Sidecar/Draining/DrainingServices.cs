namespace Sidecar.Draining;

/// <summary>Registers the draining slice: a pod that leaves hands its images over.</summary>
internal static class DrainingServices
{
    public static IServiceCollection AddDraining(this IServiceCollection services)
    {
        services.AddSingleton<DrainedImports>().AddSingleton<DrainLeftovers>().AddSingleton<HandOver>();
        services.AddTransient<DrainRun>().AddSingleton<Func<DrainRun>>(provider => provider.GetRequiredService<DrainRun>);
        services.AddSingleton<PodDrain>();
        return services;
    }
}
