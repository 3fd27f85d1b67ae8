using System.Net.Sockets;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Processes;

/// <summary>A running program that serves on a socket which it makes in a directory of its own.</summary>
internal sealed class ChildServer : RunningChild
{
    /// <summary>
    /// What such a program is told as its socket's name: relative to where it is started, as the path of a socket may have no more
    /// than 107 bytes, and paths of imports may be longer.
    /// </summary>
    public const string Socket = "/proc/self/cwd/" + SocketName;

    private const string SocketName = "s";

    // A program starts in some tens of milliseconds; to look this often costs it nothing.
    private const int LookEveryMilliseconds = 1;

    /// <param name="process">Runs already, with all its streams redirected.</param>
    /// <param name="memory">What it was promised, given back when this is disposed.</param>
    /// <param name="ended">Called once, when the program has ended.</param>
    public ChildServer(
        ChildProcess process, ChildCommand command, IDisposable memory, Action<ChildEnd> ended, TimeProvider time,
        CancellationToken cancellationToken)
        : base(process, command, memory, ended, time, cancellationToken)
    {
        process.StandardInput.Close();
        _ = ChildRunner.PumpAsync(process.StandardOutput, command.OnOutput, CancellationToken.None);
    }

    /// <summary>Waits until the program listens, and connects to it.</summary>
    /// <returns>Null when it has ended instead.</returns>
    public Socket? Connect()
    {
        do
        {
            if (TryConnect(Command.WorkingDirectory) is { } socket) return socket;
        }
        while (!Process.WaitForExit(LookEveryMilliseconds));
        return null;
    }

    /// <summary>Connects to the program that serves in a directory; null when none listens.</summary>
    public static Socket? TryConnect(string directory)
    {
        using var open = Posix.OpenDirectory(directory);
        var name = $"/proc/self/fd/{open.DangerousGetHandle()}/{SocketName}";
        return File.Exists(name) ? TryConnectTo(name) : null;
    }

    /// <summary>From now on it may take so long.</summary>
    public void Allow(TimeSpan timeout) => AllowUntil(timeout);

    /// <summary>Waits for the program's end, which is near when it has nobody to serve any more; one that stays is killed.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program is dead.</exception>
    public override ChildOutcome Finish()
    {
        if (!Process.WaitForExit(ChildRunner.DrainTime)) Kill();
        return base.Finish();
    }

    private static Socket? TryConnectTo(string name)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(name));
            return socket;
        }
        catch (SocketException)
        {
            // It has made the socket and does not listen yet, or the daemon has no descriptor left at the moment.
            socket?.Dispose();
            return null;
        }
    }
}
