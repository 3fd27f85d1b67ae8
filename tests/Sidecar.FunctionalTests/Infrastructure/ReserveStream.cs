using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>A Reserve call that has been granted, and lasts until it is disposed.</summary>
internal sealed class ReserveStream : IDisposable
{
    private readonly AsyncServerStreamingCall<Reservation> _call;

    private ReserveStream(AsyncServerStreamingCall<Reservation> call) => _call = call;

    public string Id => _call.ResponseStream.Current.ReservationId;

    public static async Task<ReserveStream> OpenAsync(
        SidecarInstance sidecar, string imageId, ulong bytes, CancellationToken deadline)
    {
        var request = new ReserveRequest { ImageId = imageId, Bytes = bytes };
        var stream = new ReserveStream(sidecar.Staging.Reserve(request, cancellationToken: deadline));
        Assert.That(await stream._call.ResponseStream.MoveNext(deadline));
        Assert.That(stream._call.ResponseStream.Current.RemainingBytes, Is.EqualTo(bytes));
        return stream;
    }

    /// <summary>Waits for the end that the sidecar makes of it.</summary>
    public Task<bool> EndAsync(CancellationToken deadline) => _call.ResponseStream.MoveNext(deadline);

    public void Dispose() => _call.Dispose();
}
