using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Tests.Import.Inspection;

/// <summary>What the beginning of an image is enough for.</summary>
internal sealed class FormatValidatorTests : InspectionTest
{
    private const int Prefix = 64 << 10;

    private static readonly ServiceProvider Services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private static readonly FormatValidator Validator = new(
        new ImageInspector(1L << 40, []), new ImportMetrics(Services.GetRequiredService<IMeterFactory>()));

    [TestCase("qcow2", "")]
    [TestCase("vmdk", "subformat=monolithicSparse")]
    [TestCase("vmdk", "subformat=streamOptimized")]
    [TestCase("vdi", "")]
    [TestCase("vhdx", "")]
    public void View_BeginningOfAGoodImage_TellsItsFormat(string format, string options)
    {
        var image = File.ReadAllBytes(Directory.Convert(Directory.Raw(), format, options, "image"));

        Assert.That(View(image, format, Prefix).DiskFormat, Is.EqualTo(format));
    }

    [Test]
    public void View_WholeImage_TellsFormatAndVirtualSize()
    {
        var image = Qcow2FormatTests.Header();

        Assert.That(View(image, "qcow2", image.Length), Is.EqualTo(new ImageView("qcow2", "", 1L << 30)));
    }

    [Test]
    public void View_BackingFileInTheFirstBytes_RefusedThere()
    {
        var image = Qcow2FormatTests.Header();
        image[15] = 1;

        var refusal = Refusal(image, "", 512);

        Assert.That((refusal.Error, refusal.Facts["check"]), Is.EqualTo((ImportError.ImageRefused, "qcow2_backing_file")));
    }

    [Test]
    public void View_StreamedVmdkWithABadDescriptor_RefusedBeforeItsFooter()
    {
        var image = File.ReadAllBytes(
            Directory.Convert(Directory.Raw(), "vmdk", "subformat=streamOptimized", "image"));
        "parentFileNameHint"u8.CopyTo(image.AsSpan(512 + 1024));

        Assert.That(Refusal(image, "vmdk", Prefix).Facts["checks"], Does.Contain("vmdk_parent"));
    }

    [Test]
    public void View_VhdxWithALog_RefusedBeforeItsData()
    {
        var image = VhdxLogTests.Dirty(File.ReadAllBytes(Directory.Convert(Directory.Raw(), "vhdx", "", "image")), 4096);

        Assert.That(Refusal(image, "vhdx", 4 << 20).Facts["check"], Is.EqualTo("vhdx_log"));
    }

    [TestCase("qcow2", "raw")]
    [TestCase("vmdk", "raw")]
    [TestCase("vhd", null)] // a fixed one tells at its end
    [TestCase("raw", null)]
    [TestCase("", null)]
    public void View_DiskWithoutAFormat_ContradictsWhatItCannotBe(string claimed, string? detected)
    {
        var image = TestImages.Noise(2 * Prefix);

        if (detected is null) Assert.That(View(image, claimed, Prefix).DiskFormat, Is.Empty);
        else Assert.That(Mismatch(image, claimed), Is.EqualTo(detected));
    }

    [TestCase("raw")]
    [TestCase("ami")]
    [TestCase("vmdk")]
    public void View_Qcow2SaidToBeAnother_Refused(string claimed) =>
        Assert.That(Mismatch([.. Qcow2FormatTests.Header(), 0], claimed), Is.EqualTo("qcow2"));

    // Programs that guess look at the first bytes: such a file is no raw disk, though its type is that of a footer behind one.
    [TestCase(true)]
    [TestCase(false)]
    public void View_FooterOfAFixedVhdAtTheBeginning_CannotBeCalledRaw(bool whole)
    {
        var image = new byte[Prefix];
        "conectix"u8.CopyTo(image);
        image[63] = 2;

        Assert.That(Refusal(image, "raw", whole ? image.Length : 1024).Facts["check"], Is.EqualTo("vhd_type"));
    }

    [TestCase("raw", true)]
    [TestCase("ami", false)] // a kernel is no disk
    [TestCase("vhd", false)]
    [TestCase("", false)]
    public void View_BadBootRecord_RefusedWhereNothingCanExcuseIt(string claimed, bool refused)
    {
        byte[] image = [.. Mbr.Hybrid(), .. new byte[2 * Prefix]];

        if (refused) Assert.That(Refusal(image, claimed, Prefix).Facts["check"], Is.EqualTo("mbr_hybrid"));
        else Assert.That(View(image, claimed, Prefix).DiskFormat, Is.Empty);
        Assert.That(View(image, claimed, 1024).DiskFormat, Is.Empty, "it may be an ISO yet, which may be called raw");
    }

    [TestCase(Prefix, "")]
    [TestCase(Prefix + 512, "raw", Description = "all of it")]
    public void View_BadBootRecordThatTheClaimTolerates_Passes(int length, string format)
    {
        byte[] image = [.. Mbr.Hybrid(), .. new byte[Prefix]];
        var bytes = new ImageBytes(image.AsMemory(0, length), length == image.Length);

        Assert.That(Validator.View(bytes, new ImageClaim("raw", "", ["mbr_hybrid"])).DiskFormat, Is.EqualTo(format));
        Assert.Throws<ImportException>(() => Validator.View(bytes, new ImageClaim("raw", "", ["mbr_boot_flag"])));
    }

    [Test]
    public void View_ToleratedChecks_AreThoseOfBootRecordsOnly()
    {
        var broken = Qcow2FormatTests.Header();
        broken[15] = 1;

        Assert.Throws<ImportException>(
            () => Validator.View(new ImageBytes(broken, true), new ImageClaim("qcow2", "", ["qcow2_backing_file"])));
    }

    [Test]
    public void View_Compressed_IsNotJudged()
    {
        var packed = TestImages.Gzip(Qcow2FormatTests.Header());

        Assert.That(View(packed, "qcow2", packed.Length - 1), Is.EqualTo(new ImageView("", "gzip", 0)));
        Assert.That(View(packed, "qcow2", packed.Length), Is.EqualTo(new ImageView("", "gzip", 0)));
    }

    [Test]
    public void View_ContainerThatIsNotBare_IsNotJudged()
    {
        var view = Validator.View(new ImageBytes(TestImages.Noise(Prefix), true), new ImageClaim("qcow2", "ova"));

        Assert.That(view, Is.EqualTo(new ImageView("", "", 0)));
    }

    [Test]
    public void View_AnyBeginning_RefusesOnlyWhatTheWholeWouldBe()
    {
        var broken = Qcow2FormatTests.Header();
        broken[15] = 1;
        var images = new[] { "qcow2", "vmdk", "vhdx", "vdi", "vpc" }
            .Select(format => File.ReadAllBytes(Directory.Create(format, "-f", format)))
            .Append(File.ReadAllBytes(Directory.Convert(Directory.Raw(), "vpc", "subformat=fixed,force_size=on", "fixed")))
            .Append([.. Mbr.Hybrid(), .. new byte[100_000]]).Append(Iso(Mbr.Hybrid())).Append(Iso([])).Append(broken)
            .Append(TestImages.Noise(Prefix));
        string[] claims = ["", "raw", "ami", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "ploop"];
        var early = 0;
        foreach (var image in images)
        {
            foreach (var claimed in claims)
            {
                var refused = Refuses(image, claimed, image.Length);
                for (var length = 1; length < image.Length; length = (length * 2) + 1)
                {
                    if (!Refuses(image, claimed, length)) continue;
                    early++;
                    Assert.That(refused, Is.True, $"{claimed} after {length} bytes");
                }
            }
        }

        Assert.That(early, Is.GreaterThan(500));
    }

    [Test]
    public void Judge_AsTheImageGrows_AsksForEnoughAndForNothingInVain()
    {
        var path = Directory.Convert(Directory.Raw(), "vhdx", "", "image");
        using var file = File.OpenHandle(path);
        var available = 16L;
        var rounds = 0;
        for (; available != long.MaxValue; rounds++)
        {
            var result = Validator.Validate(new ImageClaim("vhdx", ""), file, available, complete: false);
            Assert.That(result.Refusal, Is.Null);
            Assert.That(result.NeededBytes, Is.GreaterThan(available));
            available = result.NeededBytes;
        }

        Assert.That(rounds, Is.LessThan(20));
    }

    private static byte[] Iso(byte[] bootRecord)
    {
        var iso = new byte[100_000];
        bootRecord.CopyTo(iso, 0);
        "\x1CD001"u8.CopyTo(iso.AsSpan(0x8000));
        return iso;
    }

    private static ImageView View(byte[] image, string claimed, int length) => Validator.View(
        new ImageBytes(image.AsMemory(0, length), length == image.Length), new ImageClaim(claimed, ""));

    private static bool Refuses(byte[] image, string claimed, int length)
    {
        try
        {
            View(image, claimed, length);
            return false;
        }
        catch (ImportException)
        {
            return true;
        }
    }

    private static ImportException Refusal(byte[] image, string claimed, int length) =>
        Assert.Throws<ImportException>(() => View(image, claimed, length))!;

    private static string Mismatch(byte[] image, string claimed)
    {
        var refusal = Refusal(image, claimed, image.Length - 1);
        Assert.That(refusal.Error, Is.EqualTo(ImportError.FormatMismatch));
        return refusal.Facts["detected"];
    }
}
