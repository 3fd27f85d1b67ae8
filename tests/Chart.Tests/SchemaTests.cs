using System.Text.Json;
using System.Text.Json.Nodes;
using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;
using Sidecar.Configuration;
using Sidecar.Hosting.Configuration;

namespace Chart.Tests;

/// <summary>values.schema.json has the daemon's settings with their ranges, and refuses what is wrong.</summary>
internal sealed class SchemaTests : ChartTest
{
    // [d.]hh:mm[:ss[.fffffff]]
    private const string DurationPattern = @"^([0-9]+\.)?[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,7})?)?$";

    // Set by other values: where things are in the container must be the same in several places.
    private static readonly string[] Managed =
    [
        "Hosting:SocketPath", "Hosting:OpsAddress", "Hosting:HealthAddress", "Staging:Directory", "Staging:PodName",
        "Peers:Service", "Peers:PortName", "Peers:Port", "Peers:Static", "Peers:Address", "Peers:CertificateFile",
        "Peers:KeyFile", "Peers:AuthorityFile", "Peers:AllowPlaintext", "Peers:DrainGrace",
        "Ingest:Address", "Ingest:Upstream", "Ingest:CertificateFile", "Ingest:KeyFile",
        // Of the webhook's own configuration.
        "Webhook:Address", "Webhook:OpsAddress", "Webhook:CertificateFile", "Webhook:KeyFile", "Webhook:InjectionFile",
        "Webhook:MaxConnections",
    ];

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [Test]
    public async Task Config_HasTheKeysAndRangesOfTheOptionsClasses()
    {
        var file = Path.Combine(Repository.Chart, "values.schema.json");
        var schema = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
        var expected = Expected();
        if (Repository.Rewrites)
        {
            schema["properties"]!["config"] = expected.DeepClone();
            await File.WriteAllTextAsync(file, schema.ToJsonString(Indented) + "\n");
        }

        var config = schema["properties"]!["config"]!;
        Assert.That(config.ToJsonString(Indented), Is.EqualTo(expected.ToJsonString(Indented)));
    }

    [Test]
    public void ManagedSettings_AreSettings() =>
        Assert.That(Settings.All.Select(setting => setting.Key), Is.SupersetOf(Managed));

    [Test]
    public async Task ManagedSettings_AreNoVariablesEither()
    {
        foreach (var key in Managed.Where(key => !key.StartsWith("Webhook:", StringComparison.Ordinal)))
        {
            var variable = "SIDECAR_" + key.Replace(":", "__", StringComparison.Ordinal);
            var (exit, _, error) = await Renderer.TryValuesAsync($"env: {{{variable}: a}}");
            Assert.That((exit, error), Is.EqualTo((1, error)));
            Assert.That(error, Does.Contain($"env has {variable}, which the chart sets itself"));
        }
    }

    [TestCase("mode: sidecar", "mode: mode must be one of", "injection")]
    [TestCase("mod: injection", "Additional property mod is not allowed")]
    [TestCase("drain: {graceSeconds: 2m}", "drain.graceSeconds: Invalid type. Expected: integer, given: string")]
    [TestCase("ports: {peer: 70000}", "ports.peer: Must be less than or equal to 65535")]
    [TestCase("identity: {user: 0}", "identity.user: Must be greater than or equal to 1")]
    [TestCase("config: {Staging: {MaxImageBytes: 0}}", "config.Staging.MaxImageBytes: Must be greater than or equal")]
    [TestCase("config: {Staging: {MaxImageByte: 1}}", "config.Staging: Additional property MaxImageByte is")]
    [TestCase("config: {Staging: {Directory: /x}}", "config.Staging: Additional property Directory is not allowed")]
    [TestCase("config: {Staging: {IdleTimeout: 120}}", "config.Staging.IdleTimeout: Invalid type. Expected: string")]
    [TestCase("config: {Staging: {IdleTimeout: 2m}}", "config.Staging.IdleTimeout: Does not match pattern")]
    [TestCase("config: {Staging: {Digests: [md4]}}", "config.Staging.Digests.0 must be one of", "sha512")]
    [TestCase("config: {Import: {Conversion: {OutputFormat: vhd}}}", "config.Import.Conversion.OutputFormat", "qcow2")]
    [TestCase("config: {Imports: {}}", "config: Additional property Imports is not allowed")]
    [TestCase("env: {1X: a}", "env")]
    [TestCase("glance: {containers: []}", "glance.containers: Array must have at least 1 items")]
    [TestCase("mode: injection\ninjection: {method: webhook, webhook: {certificates: {source: secret}}}", "injection.webhook.certificates.secretName is empty; allowed")]
    [TestCase("mode: injection\ninjection: {method: webhook, webhook: {certificates: {source: secret, secretName: a}}}", "injection.webhook.certificates.authority is empty; allowed")]
    [TestCase("injection: {method: patch}", "injection.method", "kyverno")]
    [TestCase("injection: {apiVersion: v1}", "injection.apiVersion: Does not match pattern")]
    [TestCase("networkPolicy: {prometheus: {namespaceSelector: {app: x}}}", "Additional property app is not allowed")]
    [TestCase("stagingDirectory: /data", "stagingDirectory is /data; allowed: a directory below", "/var/lib/glance")]
    [TestCase("certificates: {source: secret}", "certificates.secretName is empty; allowed: the name of a Secret")]
    public async Task Values_ThatAreWrong_AreRefusedByName(string values, params string[] expected)
    {
        var (exit, _, error) = await Renderer.TryValuesAsync(values);
        Assert.That(exit, Is.Not.Zero);
        foreach (var part in expected) Assert.That(error, Does.Contain(part));
    }

    private static JsonObject Expected()
    {
        var config = Section();
        foreach (var setting in Settings.All.Where(setting => !Managed.Contains(setting.Key)))
        {
            var path = setting.Key.Split(':');
            var section = config;
            foreach (var name in path[..^1])
            {
                var below = section["properties"]!.AsObject();
                if (!below.ContainsKey(name)) below.Add(name, Section());
                section = below[name]!.AsObject();
            }

            section["properties"]!.AsObject().Add(path[^1], Describe(setting));
        }

        // .NET's own; its levels are free.
        config["properties"]!.AsObject().Add("Logging", new JsonObject { ["type"] = "object" });
        return config;
    }

    private static JsonObject Section() =>
        new() { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = new JsonObject() };

    private static JsonObject Describe(Setting setting)
    {
        var described = Typed(setting.Type);
        if (setting.Allowed.Length > 0) described["description"] = $"Allowed: {setting.Allowed}.";
        var bounded = described["items"]?.AsObject() ?? described;
        switch (setting.Rule)
        {
            case AllowedRangeAttribute range:
                bounded["minimum"] = range.Min;
                bounded["maximum"] = range.Max;
                break;
            case AllowedValuesListAttribute list:
                bounded["enum"] = new JsonArray([.. list.Values.Select(value => JsonValue.Create(value))]);
                break;
            case AllowedPatternAttribute pattern:
                bounded["pattern"] = pattern.Pattern;
                break;
        }

        return described;
    }

    private static JsonObject Typed(Type type)
    {
        if (type == typeof(TimeSpan)) return new JsonObject { ["type"] = "string", ["pattern"] = DurationPattern };
        if (type == typeof(bool)) return new JsonObject { ["type"] = "boolean" };
        if (type == typeof(string)) return new JsonObject { ["type"] = "string" };
        if (type == typeof(int) || type == typeof(long)) return new JsonObject { ["type"] = "integer" };
        if (type == typeof(double)) return new JsonObject { ["type"] = "number" };
        if (type == typeof(List<string>))
            return new JsonObject { ["type"] = "array", ["items"] = Typed(typeof(string)) };
        if (type == typeof(Dictionary<string, string>))
            return new JsonObject { ["type"] = "object", ["additionalProperties"] = Typed(typeof(string)) };
        throw new NotSupportedException($"Say how {type} is written in JSON.");
    }
}
