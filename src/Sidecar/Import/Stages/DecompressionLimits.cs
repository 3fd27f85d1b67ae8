using System.Diagnostics;
using Sidecar.Import.Core;
using Sidecar.Import.Decompression.Core;
using Sidecar.Import.Settings;

namespace Sidecar.Import.Stages;

/// <summary>What unpacking one image may take: bytes, their ratio to the packed ones, and time from now on.</summary>
internal sealed class DecompressionLimits(DecompressionOptions options, CancellationToken cancellationToken)
{
    private readonly long _started = Stopwatch.GetTimestamp();

    /// <exception cref="ImportException">OutputTooLarge: the file itself says so.</exception>
    public void CheckDeclared(DecompressionReader content)
    {
        if (content.DeclaredLength > options.MaxOutputBytes) throw TooLarge();
    }

    /// <param name="output">Bytes of the content so far.</param>
    /// <exception cref="ImportException">OutputTooLarge, RatioExceeded.</exception>
    public void CheckBounds(long output, DecompressionReader content)
    {
        var unpacked = output + content.SkippedBytes;
        if (unpacked > options.MaxOutputBytes) throw TooLarge();
        CheckRatio(unpacked, content.Consumed);
    }

    /// <exception cref="ImportException">TimedOut.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void CheckTime()
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Stopwatch.GetElapsedTime(_started) > options.Timeout) throw TookTooLong();
    }

    private void CheckRatio(long output, long input)
    {
        if (output <= options.RatioFloorBytes || output / Math.Max(1, input) < options.MaxRatio) return;
        throw new ImportException(
            ImportError.RatioExceeded,
            $"The image expands to more than {options.MaxRatio} times its compressed size: upload it uncompressed or "
            + "as qcow2, or raise Import:Decompression:MaxRatio.",
            ("ratio", output / Math.Max(1, input)),
            ("limit", options.MaxRatio));
    }

    private ImportException TooLarge() => new(
        ImportError.OutputTooLarge,
        $"The compressed image holds more than {options.MaxOutputBytes} bytes, which is the limit "
        + "(Import:Decompression:MaxOutputBytes).",
        ("limit", options.MaxOutputBytes));

    private ImportException TookTooLong() => new(
        ImportError.TimedOut,
        $"Decompressing the image took longer than {options.Timeout.TotalSeconds:F0} seconds, which is the limit "
        + "(Import:Decompression:Timeout).",
        ("limit_seconds", (long)options.Timeout.TotalSeconds));
}
