using System.Buffers.Binary;
using NUnit.Framework;

namespace Sidecar.Tests.Import.Inspection;

/// <summary>Headers that qemu-img would not write.</summary>
internal sealed class Qcow2FormatTests : InspectionTest
{
    [Test]
    public void Inspect_PlainHeader_Passes()
    {
        var report = Inspect(Header());

        Assert.That((report.Format, report.VirtualSize), Is.EqualTo(("qcow2", 1L << 30)));
        Assert.That(report.FailedChecks, Is.Empty);
    }

    [TestCase(8, 1ul << 40, "qcow2_backing_file")]
    [TestCase(72, 4ul, "qcow2_data_file")]
    [TestCase(72, 16ul, "qcow2_unknown_features")]
    [TestCase(72, 1ul << 63, "qcow2_unknown_features")]
    [TestCase(24, ulong.MaxValue, "qcow2_virtual_size")]
    public void Inspect_NumberSpoilt_NamesTheCheck(int offset, ulong value, string check)
    {
        var header = Header();
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(offset), value);

        Assert.That(Failed(Inspect(header)), Is.EqualTo(new[] { check }));
    }

    [TestCase(4, 1u, "qcow2_version")]
    [TestCase(4, 4u, "qcow2_version")]
    [TestCase(20, 8u, "qcow2_header")]
    [TestCase(20, 22u, "qcow2_header")]
    [TestCase(36, 5_000_000u, "qcow2_header")]
    [TestCase(100, 72u, "qcow2_header")]
    [TestCase(100, 105u, "qcow2_header")]
    [TestCase(100, 1u << 20, "qcow2_header")]
    public void Inspect_SmallNumberSpoilt_NamesTheCheck(int offset, uint value, string check)
    {
        var header = Header();
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(offset), value);

        Assert.That(Failed(Inspect(header)), Does.Contain(check));
    }

    [Test]
    public void Inspect_Version2WithBytesBehindItsHeader_Passes()
    {
        // Version 2 has no features: what stands there is something else.
        var header = Header();
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), 2);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(72), 4);

        Assert.That(Inspect(header).FailedChecks, Is.Empty);
    }

    [TestCase(4)]
    [TestCase(71)]
    [TestCase(103)]
    public void Inspect_HeaderCutShort_Refused(int length) =>
        Assert.That(Failed(Inspect(Header()[..length])), Is.EqualTo(new[] { "qcow2_header" }));

    internal static byte[] Header()
    {
        var header = new byte[64 << 10];
        new byte[] { (byte)'Q', (byte)'F', (byte)'I', 0xfb, 0, 0, 0, 3 }.CopyTo(header, 0);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(20), 16);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(24), 1 << 30);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(36), 2);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(100), 104);
        return header;
    }
}
