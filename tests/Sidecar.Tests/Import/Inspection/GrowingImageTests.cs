using NUnit.Framework;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Inspection.Formats;

namespace Sidecar.Tests.Import.Inspection;

/// <summary>The same formats over an upload that still grows.</summary>
internal sealed class GrowingImageTests : InspectionTest
{
    [Test]
    public void Inspect_FewBytesOfGrowingImage_Undecided() =>
        Assert.That(InspectGrowing(Qcow2FormatTests.Header(), 50, complete: false), Is.Null);

    [Test]
    public void Inspect_AllBytes_SameAsFinishedFile()
    {
        var header = Qcow2FormatTests.Header();

        Assert.That(InspectGrowing(header, header.Length, complete: true)?.Format, Is.EqualTo("qcow2"));
    }

    [Test]
    public void Judge_HeaderOfGrowingImage_KnownBeforeTheEnd()
    {
        using var file = Open(Qcow2FormatTests.Header());

        var verdict = new Qcow2Format().Inspect(new ImageBytes(file, 512, complete: false));

        Assert.That((verdict.Matches, verdict.VirtualSize), Is.EqualTo((true, 1L << 30)));
    }

    [Test]
    public void Judge_FooterOfGrowingImage_Undecided()
    {
        using var file = Open(TestImages.Noise(4096));

        Assert.That(new VhdFormat().Inspect(new ImageBytes(file, 4096, complete: false)).Undecided);
    }

    [Test]
    public void Read_MoreThanAllowed_IsABug()
    {
        using var file = Open([1]);

        Assert.That(
            () => new ImageBytes(file, 1, complete: true).Read(0, ImageBytes.MaxReadBytes + 1),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private InspectionReport? InspectGrowing(byte[] content, long available, bool complete)
    {
        using var file = Open(content);
        return new ImageInspector(long.MaxValue, []).Inspect(new ImageBytes(file, available, complete));
    }

    private Microsoft.Win32.SafeHandles.SafeFileHandle Open(byte[] content) =>
        File.OpenHandle(Directory.Write("image", content));
}
