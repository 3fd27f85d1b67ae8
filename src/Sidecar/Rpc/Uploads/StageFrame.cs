using System.Buffers;
using Glance.Sidecar.V1;

namespace Sidecar.Rpc.Uploads;

/// <summary>
/// One message of a Stage call, as <see cref="StageRequest"/> is on the wire, but with the chunk's bytes left where
/// they were received. Exactly one of header, chunk and finish is set, or none for a message without a part.
/// </summary>
internal sealed class StageFrame
{
    public StageHeader? Header { get; init; }

    public StageFinish? Finish { get; init; }

    public bool IsChunk { get; init; }

    /// <summary>The chunk's bytes; valid until the next message of the call is asked for.</summary>
    public ReadOnlySequence<byte> Data { get; init; }

    public long? Offset { get; init; }

    public uint? Crc32C { get; init; }

    /// <summary>So many zero bytes instead of data.</summary>
    public long Zeros { get; init; }
}
