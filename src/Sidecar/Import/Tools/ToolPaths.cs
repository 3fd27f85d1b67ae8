using Sidecar.Import.Core;
using Sidecar.Import.Settings;

namespace Sidecar.Import.Tools;

/// <summary>
/// Finds the programs once, at the start: a PATH that changes later changes nothing. A missing one is an error only
/// when it is used, as an import that converts nothing needs none.
/// </summary>
internal sealed class ToolPaths
{
    /// <summary>The PATH of child processes as well.</summary>
    public const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private const UnixFileMode AnyExecute =
        UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly Dictionary<Tool, string?> _paths;

    public ToolPaths(ToolOptions options, string searchPath)
    {
        _paths = new Dictionary<Tool, string?>
        {
            [Tool.QemuImg] = Find("qemu-img", options.QemuImg, searchPath),
            [Tool.QemuNbd] = Find("qemu-nbd", options.QemuNbd, searchPath),
            [Tool.Xz] = Find("xz", options.Xz, searchPath),
            [Tool.Zstd] = Find("zstd", options.Zstd, searchPath),
            [Tool.Bzip2] = Find("bzip2", options.Bzip2, searchPath),
            [Tool.Lbzip2] = Find("lbzip2", options.Lbzip2, searchPath),
            [Tool.Lz4] = Find("lz4", options.Lz4, searchPath),
            [Tool.Lhasa] = Find("lhasa", options.Lhasa, searchPath),
            [Tool.Prlimit] = Find("prlimit", options.Prlimit, searchPath),
            [Tool.Setpriv] = Find("setpriv", options.Setpriv, searchPath),
            [Tool.Unshare] = Find("unshare", options.Unshare, searchPath),
            [Tool.Flock] = Find("flock", options.Flock, searchPath),
        };
    }

    public string? TryGet(Tool tool) => _paths[tool];

    /// <exception cref="ImportException"><see cref="ImportError.ToolMissing"/>.</exception>
    public string Get(Tool tool) => _paths[tool] ?? throw new ImportException(
        ImportError.ToolMissing,
        $"The program {NameOf(tool)} is not installed: install it, or set Import:Tools:{tool} to its path.",
        ("tool", NameOf(tool)));

    public static string NameOf(Tool tool) => tool switch
    {
        Tool.QemuImg => "qemu-img",
        Tool.QemuNbd => "qemu-nbd",
        Tool.Xz => "xz",
        Tool.Zstd => "zstd",
        Tool.Bzip2 => "bzip2",
        Tool.Lbzip2 => "lbzip2",
        Tool.Lz4 => "lz4",
        Tool.Lhasa => "lhasa",
        Tool.Prlimit => "prlimit",
        Tool.Setpriv => "setpriv",
        Tool.Unshare => "unshare",
        Tool.Flock => "flock",
    };

    private static string? Find(string name, string configured, string searchPath) => configured.Length > 0
        ? IsProgram(configured) ? configured : null
        : searchPath.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Where(directory => directory[0] == '/')
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(IsProgram);

    private static bool IsProgram(string path) =>
        File.Exists(path) && (File.GetUnixFileMode(path) & AnyExecute) != UnixFileMode.None;
}
