using Sidecar.Import.Core;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Stages;

namespace Sidecar.Import.Conversion;

/// <summary>Which images are converted, which stay what they are, and which cannot be what was asked for.</summary>
internal static class ConversionRules
{
    private const string VmdkType = "vmdk_create_type";

    /// <exception cref="ImportException"><see cref="ImportError.UnsupportedFormat"/>.</exception>
    public static bool Applies(ImportWork work, string target)
    {
        // Kernels, ramdisks and the images that go with them are no disks that could be had in another format.
        if (DiskFormats.IsLeftAlone(work.Request.DiskFormat) || work.ContainerFormat is "ami" or "ari" or "aki") return false;
        if (work.IsOpaque) return RefuseIfAsked(work);
        var report = work.Report!;
        // Media and volumes of others are given to guests as they are, as in Glance.
        if (report.StaysAsItIs || report.DiskFormat == target) return false;
        if (work.Request.Rules is { } rules) CheckRules(rules, report, target);
        if (report.Obstacles is [var obstacle, ..]) throw Refuse(report.DiskFormat, target, obstacle);
        if (QemuFormats.AreReadable(report.DiskFormat)) return true;
        throw new ImportException(
            ImportError.UnsupportedFormat,
            $"An image of the format {report.DiskFormat} cannot be converted to {target}: leave out image_conversion.",
            ("format", report.DiskFormat));
    }

    // The configuration's format is for disks. Who names one for this very image would get something else.
    private static bool RefuseIfAsked(ImportWork work)
    {
        var asked = work.Request.OutputDiskFormat;
        if (asked.Length == 0 || asked == work.Request.DiskFormat) return false;
        throw new ImportException(
            ImportError.UnsupportedFormat,
            $"An image in a container of the format {work.ContainerFormat} cannot be converted to {asked}, as nothing looks into "
            + "the container: ask for no output format, or stage the disk itself with the container format bare.",
            ("format", work.ContainerFormat));
    }

    private static void CheckRules(ImageRules rules, InspectionReport report, string target)
    {
        if (!rules.Allow(target))
        {
            // Nothing is wrong with the image: its bytes stay, for an import when the settings fit.
            throw new ImportException(
                ImportError.InvalidRequest,
                $"The image would be converted to {target}, which Glance does not allow here: its disk_formats are "
                + $"{string.Join(", ", rules.DiskFormats)}. The operator adds it there, or names another output format.",
                ("format", target));
        }

        if (report.Format != DiskFormats.Vmdk || rules.VmdkTypes is not { } types) return;
        if (types.Contains(report.Subformat, StringComparer.OrdinalIgnoreCase)) return;
        throw Refuse(report.Format, target, new FailedCheck(
            VmdkType, $"it is {report.Subformat}, and Glance allows {(types.Count > 0 ? string.Join(", ", types) : "none")} (vmdk_allowed_types)"));
    }

    private static ImportException Refuse(string format, string target, FailedCheck obstacle) => new(
        ImportError.UnsupportedFormat,
        $"The {format} image cannot be converted to {target}: {obstacle.Reason} ({obstacle.Name}). Import it as {format}, "
        + "or leave out image_conversion.",
        ("format", format), ("check", obstacle.Name));
}
