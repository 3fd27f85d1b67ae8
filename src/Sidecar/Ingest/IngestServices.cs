using Microsoft.Extensions.Options;
using Sidecar.Ingest.Core;
using Sidecar.Ingest.Proxy;
using Sidecar.Ingest.Tickets;
using Sidecar.Ingest.Tls;

namespace Sidecar.Ingest;

/// <summary>Registers the ingest.</summary>
internal static class IngestServices
{
    public static IServiceCollection AddIngest(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<IngestOptions>, IngestOptionsValidator>();
        services.AddSingleton<IValidateOptions<IngestOptions>, IngestOptionsRules>();
        services.AddOptions<IngestOptions>().BindConfiguration(
            IngestOptions.Section, binder => binder.ErrorOnUnknownConfiguration = true).ValidateOnStart();
        services.AddHttpForwarder();
        services.AddSingleton<IngestMetrics>().AddSingleton<IngestCertificate>().AddSingleton<UploadTickets>();
        services.AddSingleton<Upstream>().AddSingleton<UploadQuestion>().AddSingleton<IngestAnswers>().AddSingleton<IngestEndpoint>();
        return services;
    }
}
