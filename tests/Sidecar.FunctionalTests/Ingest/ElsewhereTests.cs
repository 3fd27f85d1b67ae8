using Glance.Sidecar.V1;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Sidecar.FunctionalTests.Ingest;

/// <summary>Clients that come back to another pod than the one that has their upload.</summary>
internal sealed class ElsewhereTests : IngestTest
{
    private const int Total = 100_000;
    private const int Half = Total / 2;

    private readonly string _id = NewId();
    private Cluster? _cluster;

    private Cluster Pods => _cluster!;

    [SetUp]
    public async Task StartAsync() => _cluster = await Cluster.StartAsync(
        2, "--Ingest:Address", "127.0.0.1:0", "--Ingest:Upstream", Upstream.Address.ToString());

    [TearDown]
    public async Task StopAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
    }

    [Test]
    public async Task Question_AtAnyPod_IsAnsweredWithWhatArrived()
    {
        await CutOffAsync();

        for (var pod = 0; pod < 2; pod++)
        {
            using var answer = await AskAsync(pod);
            Assert.That(answer.FirstLine, Does.Contain("204"));
            Assert.That(answer.Values("Upload-Offset"), Is.EqualTo((string[])[$"{Half}"]));
            Assert.That(answer.Values("Upload-Complete"), Is.EqualTo((string[])["?0"]));
        }
    }

    [Test]
    public async Task Question_OfAnImageThatAnotherPodHas_IsAnsweredWithItsSize()
    {
        await StageAsync(Pods[0], _id, Content(Total));

        using var answer = await AskAsync(1);

        Assert.That(answer.Values("Upload-Offset"), Is.EqualTo((string[])[$"{Total}"]));
        Assert.That(answer.Values("Upload-Complete"), Is.EqualTo((string[])["?1"]));
    }

    [TestCase("200 OK", false)]
    [TestCase("404 Not Found", true)]
    public async Task Question_OfNothing_OrOfWhatGlanceDoesNotShow_IsNotFound(string shown, bool isThere)
    {
        if (isThere) await CutOffAsync();

        using var answer = await AskAsync(1, shown);

        Assert.That(answer.FirstLine, Does.Contain("404"));
        Assert.That(answer.Values("Upload-Offset"), Is.Empty);
    }

    [Test]
    public async Task Question_WhenThePodThatHasItIsAway_IsNotFound()
    {
        await CutOffAsync();
        await Pods.KillPodAsync(0);

        using var answer = await AskAsync(1);

        Assert.That(answer.FirstLine, Does.Contain("404"));
    }

    [TestCase(0, false)]
    [TestCase(1, true)]
    public async Task Ticket_OfARest_SaysWhetherTheUploadIsHere(int pod, bool isElsewhere)
    {
        await CutOffAsync();
        using var client = await ConnectAsync(pod);
        using var upstream = await PassAsync(
            client, _id, StageHead(_id, $"Content-Length: {Half}", $"Upload-Offset: {Half}", "Upload-Complete: ?1"));

        var ticket = await Pods[pod].Staging.CheckTicketAsync(new() { Ticket = upstream.Values(Ticket)[0], ImageId = _id });

        Assert.That((ticket.ResumeOffset, ticket.Elsewhere), Is.EqualTo((Half, isElsewhere)));
    }

    [Test]
    public async Task Ticket_OfAWholeImage_IsElsewhereNowhere()
    {
        using var client = await ConnectAsync(1);
        using var upstream = await PassAsync(client, _id, StageHead(_id, $"Content-Length: {Half}"));

        var ticket = await Pods[1].Staging.CheckTicketAsync(new() { Ticket = upstream.Values(Ticket)[0], ImageId = _id });

        Assert.That(ticket.Elsewhere, Is.False);
    }

    private async Task<RawExchange> ConnectAsync(int pod) => await RawExchange.OpenAsync(AddressOf(Pods[pod]), Deadline);

    private async Task<RawExchange> AskAsync(int pod, string shown = "200 OK")
    {
        var client = await ConnectAsync(pod);
        using var question = await PassAsync(client, _id, $"HEAD {StagePath(_id)} HTTP/1.1\r\nHost: x\r\n\r\n");
        await AnswerAsync(question, shown, "{}");
        return await client.ReadHeadAsync();
    }

    // Leaves half of an upload on the first pod.
    private async Task CutOffAsync()
    {
        using (var stage = new StageStream(Pods[0].Uploads, Deadline))
        {
            await stage.HeaderAsync(_id, Total);
            await stage.ContentAsync(Content(Total).AsMemory(0, Half));
            await ReceivedAsync(Pods[0], _id, Half);
        }

        while ((await Pods[0].Staging.GetUploadAsync(new GetUploadRequest { ImageId = _id })).State != Upload.Types.State.Suspended)
        {
            Deadline.ThrowIfCancellationRequested();
            await Cluster.BetweenLooks();
        }
    }
}
