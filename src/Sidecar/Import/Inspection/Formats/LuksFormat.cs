using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>Linux' encrypted disks. Only version 1 passes, as in Glance.</summary>
internal sealed class LuksFormat : ImageFormat
{
    private const int PayloadOffset = 104; // in sectors of 512 bytes
    private const int HeaderBytes = 592;

    public override string Name => DiskFormats.Luks;

    private static ReadOnlySpan<byte> Magic => [(byte)'L', (byte)'U', (byte)'K', (byte)'S', 0xba, 0xbe];

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        if (!bytes.StartsWith(0, Magic)) return FormatVerdict.NoMatch;
        checks.Recognise();
        var header = bytes.Read(0, HeaderBytes).Span;
        if (!checks.Require(header.Length == HeaderBytes, "luks_header", "its header is cut short"))
        {
            return FormatVerdict.Match(0, checks);
        }

        var version = BinaryPrimitives.ReadUInt16BigEndian(header[6..]);
        checks.Require(version == 1, "luks_version", $"its version is {version}, not 1");
        var payload = BinaryPrimitives.ReadUInt32BigEndian(header[PayloadOffset..]) * 512L;
        return FormatVerdict.Match(Math.Max(0, bytes.KnownLength - payload), checks);
    }
}
