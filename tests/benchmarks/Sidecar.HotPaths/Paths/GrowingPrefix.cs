using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Core;
using Sidecar.Import.Inspection;
using Sidecar.Staging.Core;
using Sidecar.Staging.Uploads;

namespace Sidecar.HotPaths;

/// <summary>What an upload's first bytes show, by all formats; and the question of every later chunk whether there is more to see.</summary>
public class GrowingPrefix : HotPath
{
    private const int PrefixBytes = 64 << 10;

    private readonly MeasuredMetrics _metrics = new();
    private readonly SafeFileHandle _qcow2 = ScratchFile.With(Qcow2());
    private readonly SafeFileHandle _raw = ScratchFile.With(new byte[PrefixBytes]);
    private readonly FormatValidator _formats;
    private readonly UploadValidator _later;

    public GrowingPrefix()
    {
        _formats = new FormatValidator(new ImageInspector(long.MaxValue, []), new ImportMetrics(_metrics.Factory));
        _later = new UploadValidator(_formats.Validate, new ImageClaim("qcow2", "bare"), _qcow2);
        _later.Grown(PrefixBytes);
    }

    [Benchmark]
    [Budget(10_432)]
    public void InspectQcow2() => Inspect("qcow2", _qcow2);

    [Benchmark]
    [Budget(9_168)]
    public void InspectRaw() => Inspect("raw", _raw);

    [Benchmark]
    [Budget(0)]
    public void LookAgain() => _later.Grown(1 << 30);

    protected override void Dispose(bool disposing)
    {
        _qcow2.Dispose();
        _raw.Dispose();
        _metrics.Dispose();
        base.Dispose(disposing);
    }

    private void Inspect(string format, SafeFileHandle file)
    {
        var seen = _formats.Validate(new ImageClaim(format, "bare"), file, PrefixBytes, complete: false);
        if (seen.Refusal is not null) throw seen.Refusal;
    }

    // Version 3, clusters of 64 KiB, a GiB.
    private static byte[] Qcow2()
    {
        var prefix = new byte[PrefixBytes];
        "QFI\xfb"u8.CopyTo(prefix);
        prefix[3] = 0xfb;
        BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(4), 3);
        BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(20), 16);
        BinaryPrimitives.WriteUInt64BigEndian(prefix.AsSpan(24), 1UL << 30);
        BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(36), 2);
        BinaryPrimitives.WriteUInt64BigEndian(prefix.AsSpan(40), 3UL << 16);
        BinaryPrimitives.WriteUInt64BigEndian(prefix.AsSpan(48), 1UL << 16);
        BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(96), 4);
        BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(100), 104);
        return prefix;
    }
}
