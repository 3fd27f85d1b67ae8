using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace Grpc.Server;

/// <summary>The client's address in gRPC's own notation.</summary>
internal static class PeerName
{
    public static string Of(ConnectionInfo connection) => connection.RemoteIpAddress switch
    {
        null => "unix:",
        { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } v6 =>
            $"ipv6:[{v6}]:{connection.RemotePort}",
        var v4 => $"ipv4:{v4.MapToIPv4()}:{connection.RemotePort}",
    };
}
