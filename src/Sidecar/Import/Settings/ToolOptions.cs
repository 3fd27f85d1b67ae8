using Sidecar.Configuration;

namespace Sidecar.Import.Settings;

/// <summary>Section <c>Import:Tools</c>: programs by path. Empty: the one of that name on PATH.</summary>
internal sealed class ToolOptions
{
    private const string PathPattern = "^(/[^\0]*)?$";
    private const string PathAllowed = "an absolute path";

    /// <summary>Converts to qcow2 and vmdk.</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string QemuImg { get; set; } = "";

    /// <summary>Reads what is converted to raw; of Debian's qemu-utils too.</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string QemuNbd { get; set; } = "";

    /// <summary>Unpacks what came compressed by xz.</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Xz { get; set; } = "";

    /// <summary>Unpacks what came compressed by zstd.</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Zstd { get; set; } = "";

    /// <summary>Unpacks what came compressed by bzip2.</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Bzip2 { get; set; } = "";

    /// <summary>Unpacks with several threads what came compressed by bzip2, where it is installed.</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Lbzip2 { get; set; } = "";

    /// <summary>Unpacks what came compressed by lha.</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Lhasa { get; set; } = "";

    /// <summary>Unpacks what came compressed by lz4.</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Lz4 { get; set; } = "";

    /// <summary>Sets the limits of the others (util-linux).</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Prlimit { get; set; } = "";

    /// <summary>Lets the others die with the sidecar, and gain no privileges (util-linux).</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Setpriv { get; set; } = "";

    /// <summary>Takes the network and the sight of other processes from the others, where that is permitted (util-linux).</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Unshare { get; set; } = "";

    /// <summary>Is the first process of a namespace of the others' own, and waits (util-linux).</summary>
    [AllowedPattern(PathPattern, PathAllowed)]
    public string Flock { get; set; } = "";
}
