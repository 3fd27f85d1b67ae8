using Microsoft.Extensions.Options;
using Sidecar.Staging.Core;

namespace Sidecar.Rpc.Limits;

/// <summary>Bounds the ReadImage calls that run at a time: clients that stop taking what they asked for hold its chunks.</summary>
internal sealed class ReadAdmission(IOptions<RpcOptions> options, StagingMetrics metrics) : CallAdmission(
    LimitOf(options.Value.MaxReads, BytesPerRead, DescriptorsPerRead), "reads", "Rpc:MaxReads", metrics)
{
    // A chunk that is sent, once more in Kestrel's buffers, and the next one, with as much again left for everything else.
    private const long BytesPerRead = 4 << 20;

    // The file, and the connection to another pod that has it.
    private const int DescriptorsPerRead = 2;
}
