using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests;

/// <summary>Uploads through Glance's own API: behind the pod's httpd, or with the sidecar in front.</summary>
internal sealed class IngestTests : ChartTest
{
    private const string HttpdFiles = "glance-staging-httpd";
    private const string Tls = "/etc/glance-staging-sidecar/ingest-tls/tls";

    private static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Chart, "README.md"));

    [Test]
    public async Task FilesForHttpd_AreThoseOfTheReadme()
    {
        var files = (await Renderer.ManifestsAsync("httpd")).Get("ConfigMap", HttpdFiles)["data"]!.AsObject();
        Assert.That(files.Select(file => file.Key), Is.EquivalentTo(["httpd_custom_staging_sidecar.conf", "99-staging-sidecar.conf"]));
        foreach (var (name, text) in files)
        {
            // A document's last line may have lost its end.
            Assert.That(text.Text().TrimEnd() + "\n", Is.EqualTo(Written(name)), name);
            Assert.That(Readme, Does.Contain($"/{name}, subPath: {name}, readOnly: true}}"));
        }

        Assert.That(await Renderer.NotesAsync("httpd"), Does.Contain(HttpdFiles));
    }

    [Test]
    public async Task FilesForHttpd_HaveTheSocketThePortAndTheThreads()
    {
        var manifests = await Renderer.WithValuesAsync("""
            mode: injection
            fullnameOverride: glance-staging
            socketDirectory: /run/here
            ingest: {enabled: true, upstream: "http://127.0.0.1:8081", httpd: {threads: 7}}
            """);
        var files = manifests.Get("ConfigMap", HttpdFiles)["data"]!;
        Assert.That(files["httpd_custom_staging_sidecar.conf"].Text(), Does.Contain("\"unix:/run/here/ingest.sock|http://localhost\""));
        var server = files["99-staging-sidecar.conf"].Text();
        Assert.That(server, Does.Contain("Listen 127.0.0.1:8081\n<VirtualHost 127.0.0.1:8081>\n").And.Contain(" threads=7 "));
        Assert.That(IngestOf(manifests), Is.EqualTo("""{"Address":"/run/here/ingest.sock","Upstream":"http://127.0.0.1:8081"}"""));
    }

    [TestCase("mode: injection")]
    [TestCase("ingest: {enabled: true}")]
    [TestCase("mode: snippet\ningest: {enabled: true, port: 9292, secretName: a}")]
    public async Task FilesForHttpd_AreOnlyWhereHttpdIsInFront(string values)
    {
        var manifests = await Renderer.WithValuesAsync(values);
        Assert.That(manifests.All.Select(manifest => manifest["metadata"]!["name"].Text()), Has.None.EndsWith("-httpd"));
    }

    [Test]
    public async Task Off_NothingIsSaidOfIt() =>
        Assert.That(JsonNode.Parse((await Renderer.WithValuesAsync("mode: injection")).Config)!["Ingest"], Is.Null);

    [TestCase(9292, new[] { 9292L })]
    [TestCase(8443, new[] { 9292L, 8443L })]
    public async Task InFront_ThePortIsOpenAndHasItsCertificate(int port, long[] open)
    {
        var manifests = await Renderer.WithValuesAsync($$"""
            mode: injection
            ingest: {enabled: true, port: {{port}}, secretName: its, upstream: /run/glance/api.sock}
            """);

        Assert.That(IngestOf(manifests), Is.EqualTo(
            $$"""{"Address":"*:{{port}}","CertificateFile":"{{Tls}}.crt","KeyFile":"{{Tls}}.key","Upstream":"/run/glance/api.sock"}"""));
        var anybody = manifests.Get("NetworkPolicy")["spec"]!["ingress"]!.AsArray().Single(rule => rule!["from"] is null)!;
        Assert.That(anybody["ports"]!.AsArray().Select(one => one!["port"].Number()), Is.EqualTo(open));
        var container = await manifests.ContainerAsync();
        Assert.That(container["ports"]!.AsArray().Last()!.ToJsonString(), Is.EqualTo(
            $$"""{"containerPort":{{port}},"name":"ingest","protocol":"TCP"}"""));
        var volume = (await manifests.PodSpecAsync())["volumes"]!.AsArray().Last()!;
        Assert.That(volume["secret"]!["secretName"].Text(), Is.EqualTo("its"));
    }

    [Test]
    public async Task InFront_TheDaemonListensWithTls()
    {
        await using var pod = await PodProcess.StartAsync("front", Deadline);
        // The socket, peers, users, health and ops.
        Assert.That(pod.Addresses.Select(address => address.Scheme), Is.EqualTo(["http", "https", "https", "http", "http"]));
    }

    private static string IngestOf(Manifests manifests) => JsonNode.Parse(manifests.Config)!["Ingest"]!.ToJsonString();

    private static string Written(string name)
    {
        var block = Regex.Match(
            Readme, $"<!-- {Regex.Escape(name)}:.*?-->\n\n(.*?)\n<!-- end {Regex.Escape(name)} -->", RegexOptions.Singleline);
        Assert.That(block.Success, Is.True, name);
        return Regex.Replace(block.Groups[1].Value, "^    ", "", RegexOptions.Multiline);
    }
}
