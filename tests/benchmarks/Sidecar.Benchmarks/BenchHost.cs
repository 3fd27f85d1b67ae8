using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Hosting;
using Sidecar.Peers.Membership;

namespace Sidecar.Benchmarks;

/// <summary>A whole daemon inside this process, so that a thousand of them fit on one machine.</summary>
internal sealed class BenchHost : IPod
{
    private readonly WebApplication _app;
    private readonly Task _running;

    private BenchHost(WebApplication app, string socket)
    {
        _app = app;
        _running = SidecarHost.RunAsync(app);
        Channel = SocketChannel.Open(socket);
    }

    public GrpcChannel Channel { get; }

    public TimeSpan CpuTime => TimeSpan.Zero;

    /// <param name="peers">As <c>Peers:Static</c> takes them.</param>
    public static async Task<BenchHost> StartAsync(string home, string name, string address, IEnumerable<string> peers)
    {
        Directory.CreateDirectory(home);
        var socket = Path.Combine(home, "s");
        string[] settings =
        [
            "--Staging:Directory", Path.Combine(home, "staging"), "--Staging:PodName", name,
            "--Hosting:SocketPath", socket, "--Hosting:LocalAddress", "", "--Hosting:OpsAddress", "",
            "--Peers:Address", address, "--Peers:AllowPlaintext", "true",
            // What is measured is calls, not probes; but a thousand connections at once take longer than one probe may.
            "--Peers:ProbeInterval", "00:01:00", "--Peers:ResolveInterval", "01:00:00",
            "--Logging:LogLevel:Default", "Error",
            .. peers.SelectMany((peer, index) => (string[])[Numbers.Text($"--Peers:Static:{index}"), peer]),
        ];
        var host = new BenchHost(SidecarHost.Build(settings), socket);
        var started = new TaskCompletionSource();
        using var registration = host._app.Lifetime.ApplicationStarted.Register(started.SetResult);
        await await Task.WhenAny(started.Task, host._running);
        return host;
    }

    public Task ReadyAsync() => _app.Services.GetRequiredService<PeerDirectory>().Ready;

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        _app.Lifetime.StopApplication();
        await _running;
        await _app.DisposeAsync();
    }
}
