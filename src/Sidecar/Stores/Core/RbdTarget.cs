using System.Text.Json.Serialization;

namespace Sidecar.Stores.Core;

/// <summary>A Ceph pool, as Glance's rbd driver is configured for it.</summary>
/// <param name="ConfigurationFile">ceph.conf, as this container sees it; empty: librados's own search path.</param>
/// <param name="User">Name of the client without "client."; empty: librados's default.</param>
/// <param name="Order">Size of the image's objects, as its binary logarithm.</param>
/// <param name="ConnectTimeout">For the first connection; zero: librados's default.</param>
internal sealed record RbdTarget(
    string ConfigurationFile, string User, string Pool, int Order, TimeSpan ConnectTimeout) : StoreTarget
{
    /// <summary>The scheme of its locations.</summary>
    public const string Scheme = "rbd";

    // As librbd allows: 4 KiB to 32 MiB.
    private const int SmallestOrder = 12;
    private const int LargestOrder = 25;
    private const int MaxTextChars = 4096;

    [JsonIgnore]
    public override string Kind => Scheme;

    public override void Check()
    {
        if (ConfigurationFile.Length > 0 && (ConfigurationFile[0] != '/' || IsNoText(ConfigurationFile)))
        {
            throw Invalid("rbd.configuration_file", "must be an absolute path, or empty");
        }

        if (IsNoText(User)) throw Invalid("rbd.user", "holds what no name of a client has");
        if (Pool.Length == 0 || IsNoText(Pool)) throw Invalid("rbd.pool", "must name a pool");
        if (Order is >= SmallestOrder and <= LargestOrder) return;
        throw Invalid("rbd.order", $"must be from {SmallestOrder} to {LargestOrder}");
    }

    private static bool IsNoText(string text) => text.Length > MaxTextChars || text.Any(char.IsControl);

    private static StoreException Invalid(string field, string what) =>
        new(StoreError.InvalidRequest, $"{field} {what}.", ("field", field));
}
