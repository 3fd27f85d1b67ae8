using Grpc.Core;
using Grpc.Testing;
using Grpc.Tests.Hosting;

namespace Grpc.Tests.Interop;

internal sealed partial class OwnClient
{
    private static readonly WriteOptions Plain = new(WriteFlags.NoCompress);

    private static BoolValue Flag(bool value) => new() { Value = value };

    private CallOptions Packed() => Options([new("grpc-internal-encoding-request", "gzip")]);

    private async Task ClientCompressedUnary()
    {
        var request = Large();
        request.ExpectCompressed = Flag(true);
        if (_serverSeesCompression)
        {
            await Expect.FailureAsync(StatusCode.InvalidArgument, async () =>
                await _client.UnaryCallAsync(request, Packed().WithWriteOptions(Plain)));
        }

        AssertLarge(await _client.UnaryCallAsync(request, Packed()));
        request.ExpectCompressed = Flag(false);
        AssertLarge(await _client.UnaryCallAsync(request, Packed().WithWriteOptions(Plain)));
    }

    private async Task ClientCompressedStreaming()
    {
        if (_serverSeesCompression)
            await Expect.FailureAsync(StatusCode.InvalidArgument, PlainWherePackedIsExpected);

        using var call = _client.StreamingInputCall(Packed());
        await call.RequestStream.WriteAsync(
            new StreamingInputCallRequest { Payload = Zeros(27182), ExpectCompressed = Flag(true) });
        call.RequestStream.WriteOptions = Plain;
        await call.RequestStream.WriteAsync(
            new StreamingInputCallRequest { Payload = Zeros(45904), ExpectCompressed = Flag(false) });
        await call.RequestStream.CompleteAsync();
        Assert.That((await call).AggregatedPayloadSize, Is.EqualTo(73086));
    }

    private async Task PlainWherePackedIsExpected()
    {
        using var call = _client.StreamingInputCall(Packed());
        call.RequestStream.WriteOptions = Plain;
        await call.RequestStream.WriteAsync(
            new StreamingInputCallRequest { Payload = Zeros(27182), ExpectCompressed = Flag(true) });
        await call.RequestStream.CompleteAsync();
        await call;
    }

    private async Task ServerCompressedUnary()
    {
        foreach (var compressed in new[] { true, false })
        {
            var request = Large();
            request.ResponseCompressed = Flag(compressed);
            AssertLarge(await _client.UnaryCallAsync(request, Options()));
        }
    }

    private async Task ServerCompressedStreaming()
    {
        var request = new StreamingOutputCallRequest
        {
            ResponseParameters =
            {
                new ResponseParameters { Size = 31415, Compressed = Flag(true) },
                new ResponseParameters { Size = 92653, Compressed = Flag(false) },
            },
        };
        using var call = _client.StreamingOutputCall(request, Options());
        List<int> sizes = [];
        await foreach (var response in call.ResponseStream.ReadAllAsync(_cancellationToken))
            sizes.Add(response.Payload.Body.Length);

        Assert.That(sizes, Is.EqualTo(new[] { 31415, 92653 }));
    }
}
