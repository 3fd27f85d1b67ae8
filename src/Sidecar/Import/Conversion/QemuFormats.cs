using System.Collections.Frozen;
using Sidecar.Import.Inspection.Core;

namespace Sidecar.Import.Conversion;

/// <summary>How QEMU's programs are told what they read and write: always by its format, never left to guess.</summary>
internal static class QemuFormats
{
    private static readonly FrozenDictionary<string, string> Names = new Dictionary<string, string>
    {
        [DiskFormats.Raw] = "raw",
        [DiskFormats.Qcow2] = "qcow2",
        [DiskFormats.Vmdk] = "vmdk",
        [DiskFormats.Vhd] = "vpc",
        [DiskFormats.Vhdx] = "vhdx",
        [DiskFormats.Vdi] = "vdi",
    }.ToFrozenDictionary();

    public static bool AreReadable(string format) => Names.ContainsKey(format);

    public static string NameOf(string format) => Names[format];

    /// <summary>
    /// The arguments that name an image. Of a VHD QEMU would believe the geometry, which holds less than the disk, unless it
    /// knows the program that made it; the size in the footer is what Hyper-V and the inspection go by.
    /// </summary>
    public static string[] Source(string path, string format)
    {
        if (format != DiskFormats.Vhd) return ["-f", Names[format], path];
        var file = path.Replace(",", ",,", StringComparison.Ordinal);
        return ["--image-opts", $"driver=vpc,force_size_calc=current_size,file.driver=file,file.filename={file}"];
    }
}
