using Microsoft.Extensions.Options;
using Sidecar.Webhook.Core;
using Sidecar.Webhook.Injecting;

namespace Sidecar.Webhook;

/// <summary>Registers the slice; its listeners and endpoints are the host's.</summary>
internal static class WebhookServices
{
    public static IServiceCollection AddWebhook(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<WebhookOptions>, WebhookOptionsValidator>();
        services.AddOptions<WebhookOptions>().BindConfiguration(
            WebhookOptions.Section, binder => binder.ErrorOnUnknownConfiguration = true).ValidateOnStart();
        services.AddSingleton(provider => new PodInjection(
            InjectionPlan.Read(provider.GetRequiredService<IOptions<WebhookOptions>>().Value.InjectionFile)));
        services.AddSingleton<ServingCertificate>().AddSingleton<WebhookMetrics>().AddSingleton<ReviewEndpoint>();
        services.AddHostedService(provider => provider.GetRequiredService<ServingCertificate>());
        return services;
    }
}
