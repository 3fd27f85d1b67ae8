using Microsoft.Extensions.Options;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Limits;

/// <summary>Bounds the Stage calls and downloads that run at a time.</summary>
internal sealed class UploadAdmission(IOptions<RpcOptions> options, StagingMetrics metrics) : CallAdmission(
    LimitOf(options.Value.MaxUploads, BytesPerUpload, DescriptorsPerUpload), "uploads", "Rpc:MaxUploads", metrics)
{
    /// <summary>
    /// What a sender may be ahead of the disk (the window of a stream), a block to write from and one for each digest, with
    /// as much again left for everything else.
    /// </summary>
    public const long BytesPerUpload = 4 << 20;

    /// <summary>The upload's data and journal, and one to look with.</summary>
    public const int DescriptorsPerUpload = 3;
}
