using System.Diagnostics;
using System.Net.Sockets;
using NUnit.Framework;

namespace Sidecar.Tests.Infrastructure;

/// <summary>What somebody who may write to a directory can put there instead of a file.</summary>
internal static class Planted
{
    public static IReadOnlyList<string> Kinds { get; } =
        ["directory", "fifo", "socket", "link to a file", "link to nothing", "link to a device"];

    public static void At(string path, string kind)
    {
        Remove(path);
        switch (kind)
        {
            case "directory":
                Directory.CreateDirectory(Path.Combine(path, "sub"));
                break;
            case "fifo":
                using (var make = Process.Start("mkfifo", [path])) make.WaitForExit();
                break;
            case "socket":
                Bind(path);
                break;
            case "link to a file":
                File.WriteAllText(path + ".target", "secret");
                File.CreateSymbolicLink(path, path + ".target");
                break;
            case "link to nothing":
                File.CreateSymbolicLink(path, "/nowhere");
                break;
            case "link to a device":
                File.CreateSymbolicLink(path, "/dev/zero");
                break;
            default:
                throw new AssertionException(kind);
        }
    }

    // The path of a socket is at most 107 characters long, which test directories may exceed: made elsewhere and moved.
    private static void Bind(string path)
    {
        var made = Path.Combine("/tmp", Guid.NewGuid().ToString("N")[..8]);
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(made));
            using var move = Process.Start("mv", [made, path]);
            move.WaitForExit();
        }

        File.Delete(made);
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        else File.Delete(path);
    }
}
