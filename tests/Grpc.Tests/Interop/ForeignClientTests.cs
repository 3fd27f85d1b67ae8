namespace Grpc.Tests.Interop;

/// <summary>Clients that nobody here wrote, against our server.</summary>
[Category("Interop")]
[CancelAfter(150_000)]
public sealed class ForeignClientTests
{
    private static readonly ForeignRun Grpcio = new(async transport => await ForeignCommand.RunAsync(
        ForeignCommand.Python,
        [
            InteropBench.Script("python/client.py"), await InteropBench.PythonStubsAsync(),
            .. await TargetAsync(transport),
        ]));

    private static readonly ForeignRun GrpcJs = new(async transport => await ForeignCommand.RunAsync(
        "node", [InteropBench.Script("js/client.js"), InteropBench.ProtoRoot, .. await TargetAsync(transport)]));

    [Test]
    public Task Grpcio_AgainstOurServer_Passes(
        [ValueSource(typeof(InteropCases), nameof(InteropCases.All))] string name,
        [Values] Transport transport) => Grpcio.AssertAsync(name, transport);

    [Test]
    public Task GrpcJs_AgainstOurServer_Passes(
        [ValueSource(typeof(InteropCases), nameof(InteropCases.Calls))] string name,
        [Values] Transport transport) => GrpcJs.AssertAsync(name, transport);

    private static async Task<string[]> TargetAsync(Transport transport)
    {
        var address = $"127.0.0.1:{await InteropBench.OurServerAsync(transport)}";
        return transport == Transport.Tls ? [address, InteropBench.CertificateFile] : [address];
    }
}
