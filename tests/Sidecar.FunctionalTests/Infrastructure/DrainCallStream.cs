using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>A Drain call that a test follows event by event.</summary>
internal sealed class DrainCallStream(SidecarInstance sidecar, TimeSpan grace, CancellationToken cancellationToken) : IDisposable
{
    private readonly AsyncServerStreamingCall<DrainEvent> _call = sidecar.Peers.Drain(
        new DrainRequest { Grace = grace.ToDuration() }, cancellationToken: cancellationToken);

    public Drain Last { get; private set; } = new();

    /// <summary>Waits for the first event, from this one on, that is so.</summary>
    public async Task<Drain> UntilAsync(Func<Drain, bool> condition)
    {
        do
        {
            Assert.That(await _call.ResponseStream.MoveNext(cancellationToken), Is.True, $"it ended before: {Last}");
            Last = _call.ResponseStream.Current.Drain;
        }
        while (!condition(Last));
        return Last;
    }

    /// <summary>Waits for DONE and the end of the call.</summary>
    public async Task<Drain> EndAsync()
    {
        while (await _call.ResponseStream.MoveNext(cancellationToken)) Last = _call.ResponseStream.Current.Drain;
        Assert.That(Last.State, Is.EqualTo(Drain.Types.State.Done));
        return Last;
    }

    public void Dispose() => _call.Dispose();
}
