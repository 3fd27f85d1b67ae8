namespace Sidecar.Stores.Writers;

/// <summary>See <see cref="Core.S3Target"/>. Its text never has the keys.</summary>
internal sealed record S3Job(
    string Endpoint,
    string AccessKey,
    string SecretKey,
    string Bucket,
    string Region,
    bool IsVirtualHosted,
    string CaCertificates,
    bool CreatesBucket)
{
    /// <summary>The largest object that S3 has.</summary>
    public const long MostBytes = 5L << 40;

    private const int MiB = 1 << 20;

    // Large enough that a request of its own is worth it; eight of them are under way.
    private const int LeastPartBytes = 16 * MiB;

    // S3 allows 10,000.
    private const int MostParts = 9_000;

    public static S3Job Of(Core.S3Target target) => new(
        target.Endpoint, target.AccessKey, target.SecretKey, target.Bucket, target.Region, target.IsVirtualHosted, target.CaCertificates,
        target.CreatesBucket);

    /// <summary>Bytes of each part but the last one. Up to 140 GiB the least; beyond that they grow, in whole MiB.</summary>
    public static int PartBytes(long size)
    {
        var least = Math.Max(LeastPartBytes, (Math.Min(size, MostBytes) + MostParts - 1) / MostParts);
        return (int)((least + MiB - 1) / MiB * MiB);
    }

    // A record would print the keys too.
    public override string ToString() => $"{Bucket} at {Endpoint}";
}
