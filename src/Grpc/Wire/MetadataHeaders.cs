using Grpc.Core;

namespace Grpc.Wire;

/// <summary>Metadata to header lines and back.</summary>
internal static class MetadataHeaders
{
    /// <summary>Adds one header line, which for a binary key may hold several values.</summary>
    /// <exception cref="RpcException">INTERNAL: a binary value is not base64.</exception>
    public static void Read(Metadata metadata, string name, string value)
    {
        if (HeaderNames.IsReserved(name))
            return;

        if (!name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase))
        {
            metadata.Add(name, value);
            return;
        }

        foreach (var part in value.Split(','))
        {
            metadata.Add(name, BinaryHeader.TryDecode(part, out var bytes)
                ? bytes
                : throw new RpcException(new Status(StatusCode.Internal, $"The header {name} is not base64.")));
        }
    }

    /// <exception cref="ArgumentException">A text value has characters that a header may not have.</exception>
    public static void Write(Metadata metadata, Action<string, string> add)
    {
        foreach (var entry in metadata)
        {
            if (!HeaderNames.IsReserved(entry.Key))
                add(entry.Key, entry.IsBinary ? BinaryHeader.Encode(entry.Bytes) : Text(entry));
        }
    }

    private static string Text(Metadata.Entry entry) => entry.Value.AsSpan().ContainsAnyExceptInRange(' ', '~')
        ? throw new ArgumentException($"The value of the metadata entry '{entry.Key}' is not printable ASCII.")
        : entry.Value;
}
