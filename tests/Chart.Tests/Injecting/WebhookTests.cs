using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Chart.Tests.Harness;
using Chart.Tests.Rendering;
using NUnit.Framework;

namespace Chart.Tests.Injecting;

/// <summary>The webhook makes of every pod what the admission policy makes of it, as API servers and operators expect it.</summary>
[FixtureLifeCycle(LifeCycle.SingleInstance)]
[Parallelizable(ParallelScope.Self)]
internal sealed class WebhookTests : ChartTest
{
    private const string Set = "webhook";

    private WebhookProcess _webhook = null!;
    private JsonNode _policy = null!;

    private static string[] Recorded => Reviews.Names;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        var values = await File.ReadAllTextAsync(Repository.Values(Set));
        _policy = (await Renderer.WithValuesAsync(values.Replace("method: webhook", "method: policy", StringComparison.Ordinal))).Policy;
        _webhook = await WebhookProcess.StartAsync(Set, [], Deadline);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_webhook is not null) await _webhook.DisposeAsync();
    }

    [TestCaseSource(nameof(Recorded))]
    public async Task Pod_IsMadeTheSameAsByThePolicy(string recorded)
    {
        var review = await Reviews.ReadAsync(recorded);
        var pod = review["request"]!["object"]!.AsObject();
        var byPolicy = await Injection.OfAsync(_policy, pod);
        var expected = byPolicy.Refused.Count == 0 ? byPolicy.Pod : pod;
        var response = (await _webhook.ReviewAsync(review, Deadline))["response"]!;
        var actual = Patched(pod, response);
        Assert.That(Differences("", expected, actual), Is.Empty);
        Assert.That(response["allowed"]!.GetValue<bool>(), Is.True);
        Assert.That(response["uid"].Text(), Is.EqualTo(review["request"]!["uid"].Text()));
        Assert.That(response["warnings"]?[0].Text(), Is.EqualTo(byPolicy.Refused.Count == 0 ? byPolicy.Obstacle : null));
        // Asked again, as with reinvocationPolicy IfNeeded, it finds its own work.
        review["request"]!["object"] = actual.DeepClone();
        var again = Patched(actual, (await _webhook.ReviewAsync(review, Deadline))["response"]!);
        Assert.That(Differences("", actual, again), Is.Empty);
    }

    [Test]
    public void Recorded_AreOfEachKind() => Assert.That(Recorded, Is.SupersetOf(
        new[] { "main/single", "18-stable/single", "waiting", "hidden", "socket", "named", "job", "bare" }));

    [TestCase("main/single", "staging-sidecar")]
    [TestCase("18-stable/single", "staging-sidecar")]
    [TestCase("waiting", "wait staging-sidecar")]
    public async Task Pod_OfGlance_GetsTheSidecar(string recorded, string containers)
    {
        var review = await Reviews.ReadAsync(recorded);
        var pod = Patched(review["request"]!["object"]!.AsObject(), (await _webhook.ReviewAsync(review, Deadline))["response"]!);
        Assert.That(pod["spec"]!["initContainers"].Names(), Is.EqualTo(containers.Split(' ')));
    }

    [TestCase("operation", "UPDATE")]
    [TestCase("kind", "Service")]
    public async Task Object_ThatIsNoNewPod_IsLeftAlone(string what, string value)
    {
        var review = await Reviews.ReadAsync("main/single");
        if (what == "kind") review["request"]!["kind"]!["kind"] = value;
        else review["request"]![what] = value;
        Assert.That((await _webhook.ReviewAsync(review, Deadline))["response"]!["patch"], Is.Null);
    }

    [TestCase("")]
    [TestCase("[]")]
    [TestCase("{")]
    [TestCase("""{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}""")]
    [TestCase("""{"apiVersion": "admission.k8s.io/v2", "kind": "AdmissionReview", "request": {"uid": "a", "kind": {}}}""")]
    [TestCase("""{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "a", "kind": {}, "object": {"a": 1, "a": 2}}}""")]
    public async Task Request_ThatIsNoReview_IsRefused(string body)
    {
        using var response = await _webhook.AskAsync(new StringContent(body, Encoding.UTF8, "application/json"), _ => { }, Deadline);
        Assert.That((int)response.StatusCode, Is.EqualTo(400));
        Assert.That(await response.Content.ReadAsStringAsync(Deadline), Does.StartWith("Allowed: AdmissionReview of admission.k8s.io/v1"));
    }

    [TestCase("""{"metadata": [], "spec": "x"}""")]
    [TestCase("""{"metadata": {"ownerReferences": [1, {"kind": 2}]}, "spec": {"volumes": {}, "containers": [null]}}""")]
    public async Task Pod_ThatIsMadeUp_IsLeftAlone(string pod)
    {
        var review = await Reviews.ReadAsync("main/single");
        review["request"]!["object"] = JsonNode.Parse(pod);
        Assert.That((await _webhook.ReviewAsync(review, Deadline))["response"]!["patch"], Is.Null);
    }

    [Test]
    public async Task Certificate_ThatIsRenewed_IsShownFromThenOn()
    {
        var renewed = _webhook.Issue();
        var shown = "";
        // Its files are looked at again and again; nothing says when.
        while (shown != renewed)
        {
            using var response = await _webhook.AskAsync(new StringContent(""), serial => shown = serial, Deadline);
        }

        Assert.That(shown, Is.EqualTo(renewed));
    }

    [Test]
    public async Task Listeners_AnswerEachItsOwn()
    {
        using var http = new HttpClient { BaseAddress = _webhook.Ops };
        Assert.That(await http.GetStringAsync("/healthz", Deadline), Is.EqualTo("ok\n"));
        Assert.That(await http.GetStringAsync("/readyz", Deadline), Is.EqualTo("ready\n"));
        var page = await http.GetStringAsync("/metrics", Deadline);
        Assert.That(page, Does.Contain("glance_staging_webhook_reviews_total{result=\"left_alone\"}"));
        Assert.That(page, Does.Contain("glance_staging_webhook_certificate_expiry_timestamp_seconds"));
        using var plain = await http.PostAsync("/inject", new StringContent("{}"), Deadline);
        Assert.That((int)plain.StatusCode, Is.EqualTo(404));
    }

    [Test]
    public async Task Connections_OfOneWhoHoldsThemAll_DoNotKeepOthersOut()
    {
        await using var webhook = await WebhookProcess.StartAsync(Set, ["--Webhook:MaxConnections", "2"], Deadline);
        await using var oldest = await HeldAsync(webhook.Reviews);
        await using var second = await HeldAsync(webhook.Reviews);
        using var response = await webhook.AskAsync(new StringContent(""), _ => { }, Deadline);
        Assert.That((int)response.StatusCode, Is.EqualTo(400));
        // Kestrel itself ends one that asks for nothing, but after two minutes.
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        Assert.That(await EndsAsync(oldest, soon.Token), Is.True);
    }

    [Test]
    public async Task Webhook_WithoutItsFiles_SaysWhatIsMissing()
    {
        var (exit, _, error) = await Command.RunAsync(new System.Diagnostics.ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Sidecar.dll"), "webhook", "--Webhook:InjectionFile", "/nowhere"]));
        Assert.That((exit, error), Is.EqualTo((2, error)));
        Assert.That(error, Does.Contain("Webhook:CertificateFile is ''; allowed: the absolute path").Or.Contain("Webhook:InjectionFile is '/nowhere'; allowed"));
    }

    // With its handshake done, so that the webhook has counted it before the next one comes.
    private static async Task<SslStream> HeldAsync(Uri address)
    {
        var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, Deadline);
        var stream = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, shown, _, _) => shown is not null);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = address.Host }, Deadline);
        return stream;
    }

    private static async Task<bool> EndsAsync(Stream stream, CancellationToken deadline)
    {
        try
        {
            return await stream.ReadAsync(new byte[1], deadline) == 0;
        }
        catch (IOException)
        {
            return true; // reset
        }
    }

    private static JsonObject Patched(JsonObject pod, JsonNode response)
    {
        var patched = pod.DeepClone().AsObject();
        if (response["patch"] is not { } patch) return patched;
        Assert.That(response["patchType"].Text(), Is.EqualTo("JSONPatch"));
        Injection.Apply(patched, JsonNode.Parse(Convert.FromBase64String(patch.Text()))!.AsArray());
        return patched;
    }

    // Field by field, so that a failure names them.
    private static IEnumerable<string> Differences(string place, JsonNode? one, JsonNode? other) => (one, other) switch
    {
        (JsonObject map, JsonObject otherMap) => map.Select(pair => pair.Key).Union(otherMap.Select(pair => pair.Key))
            .SelectMany(key => Differences($"{place}.{key}", map[key], otherMap[key])),
        (JsonArray list, JsonArray otherList) when list.Count == otherList.Count =>
            list.Zip(otherList).SelectMany((pair, i) => Differences($"{place}[{i}]", pair.First, pair.Second)),
        _ => Json.Same(one, other) ? [] : [$"{place}: {one?.ToJsonString() ?? "nothing"} by the policy, {other?.ToJsonString() ?? "nothing"} by the webhook"],
    };
}
