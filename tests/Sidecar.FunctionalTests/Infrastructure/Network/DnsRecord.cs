using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Sidecar.FunctionalTests.Infrastructure.Network;

/// <summary>One record of the test's zone: A, AAAA or SRV, by the value.</summary>
internal sealed record DnsRecord(string Name, ushort Type, byte[] Value, string? Target = null)
{
    public const ushort A = 1;
    public const ushort Aaaa = 28;
    public const ushort Srv = 33;

    public static DnsRecord Address(string name, string address) => IPAddress.Parse(address) is var ip
        && ip.GetAddressBytes() is { Length: 4 } four ? new(name, A, four) : new(name, Aaaa, IPAddress.Parse(address).GetAddressBytes());

    /// <summary>A Service's record of one member.</summary>
    public static DnsRecord Service(string name, string target, int port)
    {
        var value = new byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(value.AsSpan(4), (ushort)port);
        return new(name, Srv, [.. value, .. Encode(target)], target);
    }

    public byte[] ToWire()
    {
        var tail = new byte[10];
        BinaryPrimitives.WriteUInt16BigEndian(tail, Type);
        BinaryPrimitives.WriteUInt16BigEndian(tail.AsSpan(2), 1); // class IN
        BinaryPrimitives.WriteUInt16BigEndian(tail.AsSpan(8), (ushort)Value.Length); // after a time to live of 0
        return [.. Encode(Name), .. tail, .. Value];
    }

    private static byte[] Encode(string name) =>
    [
        .. name.Split('.', StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]), 0,
    ];
}
