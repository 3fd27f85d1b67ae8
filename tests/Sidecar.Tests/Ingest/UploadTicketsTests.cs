using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Sidecar.Ingest.Core;
using Sidecar.Ingest.Tickets;
using Sidecar.Staging.Core;

namespace Sidecar.Tests.Ingest;

/// <summary>How long a ticket is good, and that the end of a request and its reader wait for each other.</summary>
internal sealed class UploadTicketsTests : IDisposable
{
    private static readonly ImageId Image = ImageId.New();

    private readonly FakeTimeProvider _clock = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly UploadTickets _tickets;

    public UploadTicketsTests() => _tickets = new UploadTickets(
        Options.Create(new IngestOptions { TicketLifetime = TimeSpan.FromSeconds(30) }),
        new IngestMetrics(_services.GetRequiredService<IMeterFactory>()), _clock);

    public void Dispose() => _services.Dispose();

    [Test]
    public void Ticket_AfterItsLifetime_IsUnknown()
    {
        using var body = NewBody();
        var ticket = _tickets.Issue(body);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.That(_tickets.Find(ticket, Image), Is.SameAs(body));

        _clock.Advance(TimeSpan.FromSeconds(1));

        AssertUnknown(() => _tickets.Find(ticket, Image));
        AssertUnknown(() => _tickets.Take(ticket, Image));
        Assert.That(body.WasTaken, Is.False);
    }

    [Test]
    public void Ticket_OfAnother_IsNotUsedUpByAGuess()
    {
        using var body = NewBody();
        var ticket = _tickets.Issue(body);

        AssertUnknown(() => _tickets.Take(ticket, ImageId.New()));

        Assert.That(_tickets.Take(ticket, Image), Is.SameAs(body));
        AssertUnknown(() => _tickets.Take(ticket, Image));
    }

    [Test]
    public void Tickets_AreAllDifferent()
    {
        var tickets = Enumerable.Range(0, 100).Select(_ => _tickets.Issue(NewBody())).ToHashSet();
        Assert.That(tickets, Has.Count.EqualTo(100).And.All.Matches("^[0-9a-f]{64}$"));
    }

    [Test]
    public async Task End_OfABodyThatNobodyTook_KeepsItFromBeingTaken()
    {
        using var body = NewBody();
        var ticket = _tickets.Issue(body);

        await _tickets.EndAsync(ticket);

        Assert.That(body.TryTake(), Is.False); // by a call that had found it just before
        AssertUnknown(() => _tickets.Take(ticket, Image));
    }

    [Test]
    public async Task End_OfABodyThatIsRead_TellsTheReaderAndWaitsForIt()
    {
        using var body = NewBody();
        var ticket = _tickets.Issue(body);
        _tickets.Take(ticket, Image);

        var end = _tickets.EndAsync(ticket);

        Assert.That(body.Ended.IsCancellationRequested, Is.True);
        Assert.That(end.IsCompleted, Is.False);
        body.Release();
        await end;
    }

    private HeldBody NewBody() => new(Image, 5, PipeReader.Create(Stream.Null), _tickets.Now);

    private static void AssertUnknown(Action call) =>
        Assert.That(Assert.Throws<StagingException>(call)!.Error, Is.EqualTo(StagingError.TicketUnknown));
}
