using System.Reflection;
using Grpc.InteropServer;
using Microsoft.AspNetCore.Builder;

namespace Grpc.Tests.Interop;

/// <summary>
/// What the interop fixtures share for one test run: a certificate, stubs for the foreign side, our server and the
/// foreign one, plain and with TLS. Each is made when a test first asks for it, and gone when the last test has ended.
/// </summary>
[SetUpFixture]
[FixtureLifeCycle(LifeCycle.SingleInstance)]
public sealed class InteropBench
{
    public const string ProtoRoot = "/usr/share/grpc-proto";

    private static readonly string[] Protos =
    [
        "grpc/testing/empty.proto",
        "grpc/testing/messages.proto",
        "grpc/testing/test.proto",
        "grpc/health/v1/health.proto",
        "grpc/reflection/v1/reflection.proto",
        "grpc/reflection/v1alpha/reflection.proto",
    ];

    private static readonly DirectoryInfo Scratch = Directory.CreateTempSubdirectory("grpc-interop-");
    private static readonly Lazy<Task> Certificate = new(MakeCertificateAsync);
    private static readonly Lazy<Task<string>> Stubs = new(MakeStubsAsync);

    private static readonly Dictionary<Transport, Lazy<Task<WebApplication>>> OurServers = PerTransport(StartOursAsync);

    private static readonly Dictionary<Transport, Lazy<Task<GrpcioServer>>> GrpcioServers =
        PerTransport(StartGrpcioAsync);

    /// <summary>The certificate's own authority: it is self-signed.</summary>
    public static string CertificateFile => Path.Combine(Scratch.FullName, "cert.pem");

    private static string KeyFile => Path.Combine(Scratch.FullName, "key.pem");

    public static string Script(string name) => Path.Combine(InteropDirectory, name);

    /// <summary>Python modules made of the published protos.</summary>
    public static Task<string> PythonStubsAsync() => Stubs.Value;

    /// <summary>The port of our server.</summary>
    public static async Task<int> OurServerAsync(Transport transport) =>
        InteropHost.Port(await OurServers[transport].Value);

    /// <summary>The port of the grpcio server.</summary>
    public static async Task<int> GrpcioServerAsync(Transport transport) => (await GrpcioServers[transport].Value).Port;

    [OneTimeTearDown]
    public async Task StopAllAsync()
    {
        foreach (var server in GrpcioServers.Values.Where(server => server.IsValueCreated))
            await (await server.Value).DisposeAsync();
        foreach (var server in OurServers.Values.Where(server => server.IsValueCreated))
            await (await server.Value).DisposeAsync();

        Scratch.Delete(recursive: true);
    }

    private static string InteropDirectory => typeof(InteropBench).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == nameof(InteropDirectory)).Value!;

    private static Dictionary<Transport, Lazy<Task<T>>> PerTransport<T>(Func<Transport, Task<T>> start) =>
        Enum.GetValues<Transport>().ToDictionary(
            transport => transport, transport => new Lazy<Task<T>>(() => start(transport)));

    private static async Task MakeCertificateAsync() => await ForeignCommand.RunAsync(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", KeyFile, "-out", CertificateFile);

    private static async Task<string> MakeStubsAsync()
    {
        var target = Scratch.CreateSubdirectory("stubs").FullName;
        var plugin = (await ForeignCommand.RunAsync("which", "grpc_python_plugin")).Trim();
        await ForeignCommand.RunAsync(
            "protoc",
            [
                "-I" + ProtoRoot, "--plugin=protoc-gen-grpc_python=" + plugin, "--python_out=" + target,
                "--grpc_python_out=" + target, .. Protos,
            ]);
        return target;
    }

    private static async Task<WebApplication> StartOursAsync(Transport transport)
    {
        var app = InteropHost.Create(["--port", "0", .. await TlsAsync(transport, "--tls-cert", "--tls-key")]);
        await app.StartAsync();
        return app;
    }

    private static async Task<GrpcioServer> StartGrpcioAsync(Transport transport) => await GrpcioServer.StartAsync(
        [Script("python/server.py"), await Stubs.Value, .. await TlsAsync(transport, null, null)]);

    private static async Task<string[]> TlsAsync(Transport transport, string? certOption, string? keyOption)
    {
        if (transport == Transport.Plaintext)
            return [];

        await Certificate.Value;
        return [.. new[] { certOption, CertificateFile, keyOption, KeyFile }.OfType<string>()];
    }
}
