using Glance.Sidecar.V1;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Stores.Core;

namespace Sidecar.Rpc.Messages;

/// <summary>Domain values of the stores slice as messages, and back.</summary>
internal static class StoreMessages
{
    private const string RbdScheme = Stores.Core.RbdTarget.Scheme;
    private const string S3Scheme = Stores.Core.S3Target.Scheme;

    private static readonly TimeSpan LongestConnect = TimeSpan.FromHours(1);

    public static StoreRequest ToRequest(StoreOutputRequest request)
    {
        var source = ToKey(request.SourceId, request.Store).SourceId;
        string[] digests = [.. request.Digests];
        return new StoreRequest(source, request.Store, ToTarget(request.Target), digests)
        {
            Others = [.. request.Others.Select(other => new StoreRequest(source, other.Store, ToTarget(other.Target), digests))],
        };
    }

    /// <exception cref="StoreException"><see cref="StoreError.InvalidRequest"/>.</exception>
    public static StoreKey ToKey(string sourceId, string store) => Guid.TryParseExact(sourceId, "D", out var id) && id != Guid.Empty
        ? new StoreKey(id, store)
        : throw new StoreException(
            StoreError.InvalidRequest, "source_id must be the UUID of an import or of a staged image.", ("field", "source_id"));

    /// <exception cref="StoreException"><see cref="StoreError.InvalidRequest"/>.</exception>
    public static Stores.Core.StoreTarget ToTarget(Glance.Sidecar.V1.StoreTarget? target) => target switch
    {
        { Rbd: { } rbd } => new Stores.Core.RbdTarget(
            rbd.ConfigurationFile, rbd.User, rbd.Pool, (int)Math.Min(rbd.Order, int.MaxValue), ToTime(rbd.ConnectTimeout)),
        { S3: { } s3 } => new Stores.Core.S3Target(
            s3.Endpoint, s3.AccessKey, s3.SecretKey, s3.Bucket, s3.Region, s3.VirtualHosted, s3.CaCertificates, s3.CreateBucket),
        _ => throw new StoreException(
            StoreError.InvalidRequest, "target must be that of a store of the kind rbd or s3.", ("field", "target")),
    };

    public static Glance.Sidecar.V1.StoredImage ToMessage(Stores.Core.StoredImage image) => new()
    {
        Size = (ulong)image.Size, Digests = { image.Digests.ToDictionary() }, Facts = { image.Facts.ToDictionary() },
    };

    /// <summary>A label of a closed set: names from outside would make a series each.</summary>
    public static string ToKind(string kind) => kind is "file" or RbdScheme or S3Scheme ? kind : "other";

    /// <exception cref="StoreException"><see cref="StoreError.InvalidRequest"/>.</exception>
    public static string ToReason(NoteFallbackRequest.Types.Reason reason) => reason switch
    {
        NoteFallbackRequest.Types.Reason.Driver => "driver",
        NoteFallbackRequest.Types.Reason.Settings => "settings",
        NoteFallbackRequest.Types.Reason.UnknownBytes => "unknown_bytes",
        NoteFallbackRequest.Types.Reason.NoDigest => "no_digest",
        NoteFallbackRequest.Types.Reason.ReadByGlance => "read_by_glance",
        NoteFallbackRequest.Types.Reason.SidecarCannot => "sidecar_cannot",
        _ => throw new StoreException(StoreError.InvalidRequest, "reason must be one of those that the API names.", ("field", "reason")),
    };

    private static TimeSpan ToTime(Duration? time)
    {
        if (time is null) return TimeSpan.Zero;
        if (time is { Seconds: >= 0, Nanos: >= 0 and < 1_000_000_000 } && time.Seconds < LongestConnect.TotalSeconds) return time.ToTimeSpan();
        throw new StoreException(
            StoreError.InvalidRequest, $"rbd.connect_timeout must be from 0 to {LongestConnect.TotalSeconds:F0} seconds.",
            ("field", "rbd.connect_timeout"));
    }
}
