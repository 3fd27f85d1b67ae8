using System.Buffers.Binary;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Inspection.Formats;

/// <summary>
/// QEMU's copy-on-write format (docs/interop/qcow2.txt of QEMU). What must never pass: a backing file
/// (CVE-2015-5163) and an external data file (CVE-2024-32498), both of which name a file of the host.
/// </summary>
internal sealed class Qcow2Format : ImageFormat
{
    private const int HeaderBytesV2 = 72;
    private const int HeaderBytesV3 = 104;
    private const uint MaxL1Entries = (32 << 20) / sizeof(ulong); // QEMU's own limit
    private const ulong DataFile = 1 << 2;

    // Dirty, corrupt, data file and compression type; extended L2 entries (bit 4) are refused as in Glance.
    private const ulong KnownFeatures = 0xF;

    public override string Name => DiskFormats.Qcow2;

    protected override FormatVerdict Inspect(ImageBytes bytes, Checks checks)
    {
        if (!bytes.StartsWith(0, [(byte)'Q', (byte)'F', (byte)'I', 0xfb])) return FormatVerdict.NoMatch;
        checks.Recognise();
        var header = bytes.Read(0, HeaderBytesV3).Span;
        if (!checks.Require(header.Length >= HeaderBytesV2, "qcow2_header", "its header is cut short"))
        {
            return FormatVerdict.Match(0, checks);
        }

        var version = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        checks.Require(version is 2 or 3, "qcow2_version", $"its version is {version}, not 2 or 3");
        checks.Require(
            BinaryPrimitives.ReadUInt64BigEndian(header[8..]) == 0, "qcow2_backing_file", "it names a backing file");
        CheckLayout(header, checks);
        if (version >= 3) CheckFeatures(header, checks);
        var size = checks.VirtualSize(BinaryPrimitives.ReadUInt64BigEndian(header[24..]), "qcow2_virtual_size");
        return FormatVerdict.Match(size, checks);
    }

    private static void CheckLayout(ReadOnlySpan<byte> header, Checks checks)
    {
        var clusterBits = BinaryPrimitives.ReadUInt32BigEndian(header[20..]);
        checks.Require(clusterBits is >= 9 and <= 21, "qcow2_header", $"its clusters are of 2^{clusterBits} bytes");
        var encryption = BinaryPrimitives.ReadUInt32BigEndian(header[32..]);
        // Who has the key may use it, as Glance lets him; nobody has it here.
        checks.RequireToConvert(encryption == 0, "qcow2_encrypted", "it is encrypted");
        var l1Entries = BinaryPrimitives.ReadUInt32BigEndian(header[36..]);
        checks.Require(l1Entries <= MaxL1Entries, "qcow2_header", $"its L1 table has {l1Entries} entries");
    }

    private static void CheckFeatures(ReadOnlySpan<byte> header, Checks checks)
    {
        if (!checks.Require(header.Length >= HeaderBytesV3, "qcow2_header", "its header is cut short")) return;
        var features = BinaryPrimitives.ReadUInt64BigEndian(header[72..]);
        checks.Require((features & DataFile) == 0, "qcow2_data_file", "its data lies in another file");
        checks.Require(
            (features & ~KnownFeatures) == 0, "qcow2_unknown_features", $"it needs unknown features ({features:x})");
        var headerBytes = BinaryPrimitives.ReadUInt32BigEndian(header[100..]);
        var clusterBits = (int)(BinaryPrimitives.ReadUInt32BigEndian(header[20..]) & 31);
        checks.Require(
            headerBytes >= HeaderBytesV3 && headerBytes % 8 == 0 && headerBytes <= 1u << clusterBits,
            "qcow2_header",
            $"its header says that it is {headerBytes} bytes long");
    }
}
