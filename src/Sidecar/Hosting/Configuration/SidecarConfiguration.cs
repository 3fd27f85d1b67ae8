using System.Collections;
using System.Text.RegularExpressions;

namespace Sidecar.Hosting.Configuration;

/// <summary>Where settings come from: a JSON file, the environment, the command line; the later wins.</summary>
internal static partial class SidecarConfiguration
{
    private const string Prefix = "SIDECAR_";
    private const string FileKey = "config";

    private static readonly string[] Sections =
        ["Hosting", "Rpc", "Staging", "Peers", "Import", "Stores", "Downloads", "Ingest", "Webhook", "Logging"];

    /// <summary>
    /// Adds the sources themselves: a configuration that is chained into another one loses its empty values, and an
    /// empty value is how a listener is switched off.
    /// </summary>
    /// <exception cref="ConfigurationException">The file is missing, or a key belongs to no section.</exception>
    public static void AddTo(IConfigurationBuilder target, string[] args)
    {
        var plain = new ConfigurationBuilder().AddEnvironmentVariables(Prefix).AddCommandLine(args).Build();
        var sources = new ConfigurationBuilder();
        if (plain[FileKey] is { Length: > 0 } file)
        {
            // No watching: a staging sidecar that changes its mind while it runs would be hard to reason about.
            if (!File.Exists(file)) throw new ConfigurationException($"The configuration file {file} does not exist.");
            sources.AddJsonFile(Path.GetFullPath(file), optional: false, reloadOnChange: false);
        }

        sources.AddEnvironmentVariables(Prefix).AddCommandLine(args);
        CheckSections(sources.Build());
        foreach (var source in sources.Sources) target.Add(source);
        target.AddInMemoryCollection(OfOpenTelemetry());
    }

    // OpenTelemetry looks for its standard variables in the host's configuration.
    private static IEnumerable<KeyValuePair<string, string?>> OfOpenTelemetry() =>
        from DictionaryEntry variable in Environment.GetEnvironmentVariables()
        where ((string)variable.Key).StartsWith("OTEL_", StringComparison.Ordinal)
        select KeyValuePair.Create((string)variable.Key, (string?)variable.Value);

    // What Kubernetes gives every pod for a Service of its namespace that is called sidecar, or begins so: the daemon must not
    // refuse to start because of somebody's Service. No setting ends like this.
    [GeneratedRegex("^([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$")]
    private static partial Regex ServiceLink();

    private static void CheckSections(IConfigurationRoot configuration)
    {
        foreach (var section in configuration.GetChildren())
        {
            if (section.Key.Equals(FileKey, StringComparison.OrdinalIgnoreCase)) continue;
            if (Sections.Contains(section.Key, StringComparer.OrdinalIgnoreCase)) continue;
            if (ServiceLink().IsMatch(section.Key)) continue;
            throw new ConfigurationException(
                $"'{section.Key}' is not a setting; sections are {string.Join(", ", Sections)}. See --help.");
        }
    }
}
