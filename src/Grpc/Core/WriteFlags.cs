using System.Diagnostics.CodeAnalysis;

namespace Grpc.Core;

/// <summary>How one message is written.</summary>
[Flags]
[SuppressMessage("Naming", "CA1711", Justification = "the official name")]
public enum WriteFlags
{
    /// <summary>The message need not leave at once; the next one without this flag takes it along.</summary>
    BufferHint = 1,

    /// <summary>The message is not compressed although the call has a message encoding.</summary>
    NoCompress = 2,
}
