using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;
using Sidecar.Import.Processes;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>Decompresses through an external program.</summary>
internal sealed class ProgramReader(SafeFileHandle file, string compression, ChildFilter program)
    : DecompressionReader(file, compression)
{
    // What the pipe and the program hold is counted too: hardly more than a megabyte.
    public override long Consumed => program.Fed;

    public override void Dispose() => program.Dispose();

    protected override int Decode(Span<byte> buffer)
    {
        var count = program.Read(buffer);
        if (count > 0) return count;
        var outcome = program.Finish();
        if (outcome.End == ChildEnd.Succeeded)
        {
            var leavesOut = outcome.ErrorText.Contains("trailing garbage", StringComparison.Ordinal);
            return leavesOut ? throw Corrupt("a part of it is damaged") : 0;
        }

        if (outcome.End != ChildEnd.Failed || ToolFailures.IsTheMachines(outcome)) throw program.Describe(outcome);
        // So zstd says of a window, and xz of a dictionary, that is larger than it was told to take.
        var failure = outcome.ErrorText.Contains("memory", StringComparison.OrdinalIgnoreCase)
            ? Unsupported(
                "takes more memory to unpack than is allowed", "Compress it with a smaller window or dictionary")
            : Corrupt("it cannot be unpacked, as it is damaged or cut short");
        failure.Detail = outcome.ErrorText;
        throw failure;
    }
}
