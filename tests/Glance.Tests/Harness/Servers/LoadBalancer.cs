namespace Glance.Tests.Harness.Servers;

/// <summary>
/// haproxy in front of all pods, round robin; a pod that is down is left out. One that is only slow to answer is not down: where all
/// pods start at once, none would be left.
/// </summary>
internal sealed class LoadBalancer : IAsyncDisposable
{
    private readonly Command _proxy;

    private LoadBalancer(Command proxy, Uri address) => (_proxy, Address) = (proxy, address);

    public Uri Address { get; }

    public IReadOnlyList<string> Log => _proxy.Log;

    public static async Task<LoadBalancer> StartAsync(string directory, string address, IEnumerable<Uri> pods)
    {
        var servers = pods.Select((pod, n) => $"  server glance-{n} {pod.Authority} check inter 200ms fall 1 rise 1");
        var file = Path.Combine(directory, "haproxy.cfg");
        await File.WriteAllTextAsync(file, $"""
            global
              log stdout format raw local0
            defaults
              mode http
              log global
              option httplog
              timeout connect 5s
              timeout client 120s
              timeout server 120s
              timeout check 5s
            frontend images
              bind {address}:{GlanceApi.Port}
              default_backend pods
            backend pods
              balance roundrobin
              option httpchk GET /healthcheck
            {string.Join('\n', servers)}

            """);
        var proxy = Command.Start(["haproxy", "-db", "-f", file]);
        var balancer = new LoadBalancer(proxy, new Uri($"http://{address}:{GlanceApi.Port}"));
        await Probe.AnswersAsync(balancer.Address, () => !proxy.HasExited);
        return balancer;
    }

    public async ValueTask DisposeAsync() => await _proxy.DisposeAsync();
}
