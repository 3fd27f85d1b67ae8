using System.Net;
using Microsoft.Extensions.Options;
using Sidecar.Ingest.Core;
using Sidecar.Ingest.Tls;

namespace Sidecar.Ingest;

/// <summary>How the settings go together: what one attribute on one of them cannot say.</summary>
internal sealed class IngestOptionsRules : IValidateOptions<IngestOptions>
{
    private const string NearOnly =
        "a Unix socket or a loopback address, unless there are Ingest:CertificateFile and Ingest:KeyFile: tokens of users come in here";

    public ValidateOptionsResult Validate(string? name, IngestOptions options)
    {
        if (!options.Enabled) return ValidateOptionsResult.Success;
        var failures = Flaws(options).ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static IEnumerable<string> Flaws(IngestOptions options)
    {
        if (options.Upstream.Length == 0)
            yield return Wrong(nameof(options.Upstream), "", "where glance-api listens, as Ingest:Address is set");
        if (options.Upstream == options.Address)
            yield return Wrong(nameof(options.Upstream), options.Upstream, "another place than Ingest:Address");
        if (options.CertificateFile.Length > 0 != options.KeyFile.Length > 0)
            yield return Wrong(nameof(options.KeyFile), options.KeyFile, "a key together with Ingest:CertificateFile, or neither");
        else if (options.Encrypted && Unusable(options) is { } failure)
            yield return failure;
        else if (!options.Encrypted && !IsNear(options.Address))
            yield return Wrong(nameof(options.Address), options.Address, NearOnly);
    }

    private static bool IsNear(string address) => address.StartsWith('/')
        || (IPEndPoint.TryParse(address, out var endPoint) && IPAddress.IsLoopback(endPoint.Address));

    private static string? Unusable(IngestOptions options)
    {
        try
        {
            IngestCertificate.Read(options);
            return null;
        }
        catch (IngestCertificateException failure)
        {
            return failure.Message;
        }
    }

    private static string Wrong(string key, string value, string allowed) => $"Ingest:{key} is '{value}'; allowed: {allowed}.";
}
