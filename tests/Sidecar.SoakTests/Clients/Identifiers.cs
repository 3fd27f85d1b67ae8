namespace Sidecar.SoakTests.Clients;

/// <summary>UUIDs from a seed.</summary>
internal static class Identifiers
{
    public static string New(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes).ToString("D");
    }
}
