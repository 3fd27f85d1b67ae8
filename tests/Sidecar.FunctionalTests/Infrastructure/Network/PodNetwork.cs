using System.Diagnostics;
using System.Globalization;

namespace Sidecar.FunctionalTests.Infrastructure.Network;

/// <summary>What becomes of packets on a link that is cut.</summary>
internal enum Cut
{
    /// <summary>They vanish: nobody is told.</summary>
    BlackHole,

    /// <summary>The sender's connection is reset, and so is every one that it tries to open.</summary>
    Reset,
}

/// <summary>
/// A network namespace for each pod, joined by a bridge in one more. Nothing outside can see them. Links can be cut in
/// one direction or both, and be made slow. Needs root, as the test machines have.
/// </summary>
internal sealed class PodNetwork : IDisposable
{
    private readonly string _name = "sc" + Convert.ToHexStringLower(Guid.NewGuid().ToByteArray(), 0, 3);
    private readonly int _pods;

    public PodNetwork(int pods)
    {
        _pods = pods;
        Ip("netns", "add", Hub);
        Ip("-n", Hub, "link", "add", "bridge", "type", "bridge");
        Ip("-n", Hub, "link", "set", "bridge", "up");
        for (var pod = 0; pod < pods; pod++) AddPod(pod);
    }

    private string Hub => _name + "-hub";

    public static string Address(int pod) => Text($"10.97.0.{pod + 1}");

    /// <summary>What a process is started with to be in the pod's namespace.</summary>
    public string[] Launcher(int pod) => ["ip", "netns", "exec", Namespace(pod)];

    /// <summary>Packets from one pod to the other suffer; those the other way do not.</summary>
    public void CutOneWay(int from, int to, Cut cut) => Nft(from, $$"""
        add table inet faults
        add chain inet faults out { type filter hook output priority 0 ; }
        add rule inet faults out ip daddr {{Address(to)}} meta l4proto tcp {{(cut == Cut.Reset ? "reject with tcp reset" : "drop")}}
        """);

    public void CutBothWays(int one, int other, Cut cut)
    {
        CutOneWay(one, other, cut);
        CutOneWay(other, one, cut);
    }

    /// <summary>Everything the pod sends goes at this rate.</summary>
    public void Slow(int pod, int mebibitsPerSecond) => Ip(
        "netns", "exec", Namespace(pod), "tc", "qdisc", "replace", "dev", "eth0", "root", "tbf",
        "rate", Text($"{mebibitsPerSecond}mbit"), "burst", "64kb", "latency", "400ms");

    /// <summary>No link is cut or slow any more.</summary>
    public void Heal()
    {
        for (var pod = 0; pod < _pods; pod++)
        {
            Nft(pod, "add table inet faults\ndelete table inet faults");
            Run(expectSuccess: false, "ip", "netns", "exec", Namespace(pod), "tc", "qdisc", "del", "dev", "eth0", "root");
        }
    }

    public void Dispose()
    {
        for (var pod = 0; pod < _pods; pod++) Run(expectSuccess: false, "ip", "netns", "del", Namespace(pod));
        Run(expectSuccess: false, "ip", "netns", "del", Hub);
    }

    private string Namespace(int pod) => Text($"{_name}-{pod}");

    private void AddPod(int pod)
    {
        var name = Namespace(pod);
        var port = Text($"pod{pod}");
        Ip("netns", "add", name);
        Ip("-n", Hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name);
        Ip("-n", Hub, "link", "set", port, "master", "bridge", "up");
        Ip("-n", name, "link", "set", "lo", "up");
        Ip("-n", name, "addr", "add", Address(pod) + "/24", "dev", "eth0");
        Ip("-n", name, "link", "set", "eth0", "up");
    }

    private void Nft(int pod, string commands)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, commands + "\n");
        try
        {
            Ip("netns", "exec", Namespace(pod), "nft", "-f", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static void Ip(params string[] arguments) => Run(expectSuccess: true, ["ip", .. arguments]);

    private static void Run(bool expectSuccess, params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0 && expectSuccess)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)} failed: {errors}");
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
