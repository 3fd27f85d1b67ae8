namespace Sidecar.Import.Inspection.Core;

/// <summary>The disk formats by Glance's names.</summary>
internal static class DiskFormats
{
    public const string Raw = "raw";
    public const string Gpt = "gpt";
    public const string Qcow2 = "qcow2";
    public const string Vmdk = "vmdk";
    public const string Vhd = "vhd";
    public const string Vhdx = "vhdx";
    public const string Vdi = "vdi";
    public const string Iso = "iso";
    public const string Ploop = "ploop";
    public const string Luks = "luks";
    public const string Qed = "qed";

    /// <summary>What a caller may claim: Glance's own default list, and luks, which an operator may add to it.</summary>
    public static readonly IReadOnlyList<string> Claimable =
        ["ami", "ari", "aki", Vhd, Vhdx, Vmdk, Raw, Qcow2, Vdi, Iso, Ploop, Luks];

    /// <summary>What image_conversion can make.</summary>
    public static readonly IReadOnlyList<string> Convertible = [Raw, Qcow2, Vmdk];

    /// <summary>
    /// Kernels, ramdisks and partition images of the Amazon kind, and formats that only an operator knows: their content looks
    /// raw, and is nobody's to unpack or to convert.
    /// </summary>
    public static bool IsLeftAlone(string format) =>
        format is "ami" or "ari" or "aki" || (format.Length > 0 && !Claimable.Contains(format));

    /// <summary>Whether content of the detected format may bear the claimed name.</summary>
    public static bool Agree(string claimed, string detected) =>
        claimed == detected || (detected is Raw or Gpt && (claimed == Raw || IsLeftAlone(claimed)));
}
