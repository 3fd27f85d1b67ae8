using System.Text.Json.Nodes;
using Chart.Tests.Rendering;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;
using Sidecar.Import;
using Sidecar.Import.Processes.Limits;

namespace Chart.Tests;

/// <summary>How much memory the parts of the sidecar get, and where and as whom pods of the chart's own run.</summary>
internal sealed class PodValueTests : ChartTest
{
    [TestCase("512Mi", 536_870_912, 1)]
    [TestCase("2Gi", 2_147_483_648, 4)]
    [TestCase("16G", 16_000_000_000, 29)]
    public async Task Memory_OfDaemonAndPrograms_FitsTheLimit(string limit, long bytes, long imports)
    {
        const long program = 256L << 20; // what a conversion counts for
        var manifests = await Renderer.WithValuesAsync($"resources: {{limits: {{memory: {limit}}}}}");
        var import = JsonNode.Parse(manifests.Config)!["Import"]!;
        Assert.That(import["MaxConcurrent"].Number(), Is.EqualTo(imports));
        Assert.That(import["MaxConcurrent"].Number() * program, Is.LessThanOrEqualTo(import["MaxMemoryBytes"].Number()));
        // Of the address space most are stacks, which take no memory.
        Assert.That(import["Conversion"], Is.Null);
        var heap = (await manifests.ContainerAsync())["env"]!.AsArray()
            .Single(variable => variable!["name"].Text() == "DOTNET_GCHeapHardLimitPercent")!["value"].Text();
        Assert.That(import["MaxMemoryBytes"].Number() + (bytes * Convert.ToInt32(heap, 16) / 100), Is.LessThan(bytes * 95 / 100));
    }

    [TestCase("resources: {limits: {memory: null}}", 0, 0)]
    [TestCase("config: {Import: {MaxConcurrent: 7}}", 7, 1 << 30)]
    public async Task Memory_ThatIsSaidOrNotLimited_IsLeftToTheDaemon(string values, long imports, long bytes)
    {
        var import = JsonNode.Parse((await Renderer.WithValuesAsync(values)).Config)!["Import"];
        Assert.That(import?["MaxConcurrent"]?.Number() ?? 0, Is.EqualTo(imports));
        Assert.That(import?["MaxMemoryBytes"]?.Number() ?? 0, Is.EqualTo(bytes));
    }

    /// <summary>What the daemon makes of it then.</summary>
    [TestCase("", 0)]
    [TestCase("123456789", 123_456_789)]
    public void Memory_OfPrograms_IsHalfOfTheCgroupsWhereNothingIsSet(string setting, long bytes)
    {
        var settings = setting.Length == 0 ? [] : new Dictionary<string, string?> { ["Import:MaxMemoryBytes"] = setting };
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddImports();
        using var provider = services.BuildServiceProvider();
        Assert.That(provider.GetRequiredService<ChildMemory>().TotalBytes, Is.EqualTo(bytes > 0 ? bytes : MachineMemory.ReadLimit() / 2));
    }

    [Test]
    public async Task Pods_OfTheChartsOwn_RunWhereTheyMay_AsWhomTheClusterSays()
    {
        var manifests = await Renderer.WithValuesAsync("""
            identity: {user: null, group: null}
            imagePullSecrets: [{name: registry}]
            standalone:
              nodeSelector: {disk: fast}
              tolerations: [{key: storage, operator: Exists}]
              affinity: {podAntiAffinity: {}}
              priorityClassName: high
              topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
            """);
        var pod = await manifests.PodSpecAsync();
        var fields = (string[])["imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName", "topologySpreadConstraints"];
        Assert.That(fields.Select(field => pod[field]?.ToJsonString()), Is.EqualTo(new[]
        {
            """[{"name":"registry"}]""", """{"disk":"fast"}""", """[{"key":"storage","operator":"Exists"}]""", """{"podAntiAffinity":{}}""",
            "\"high\"", """[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"}]""",
        }));
        Assert.That((await Shape.LoadAsync()).Faults(manifests.Get("StatefulSet")), Is.Empty);
        Assert.That(pod["securityContext"]!.AsObject().Select(field => field.Key), Is.EquivalentTo(["runAsNonRoot", "seccompProfile"]));
        Assert.That((await manifests.ContainerAsync())["securityContext"]!["runAsUser"], Is.Null);
    }
}
