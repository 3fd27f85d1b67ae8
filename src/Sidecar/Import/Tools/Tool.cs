namespace Sidecar.Import.Tools;

/// <summary>The programs of others that imports run; named as in <c>Import:Tools</c>.</summary>
internal enum Tool
{
    QemuImg,
    QemuNbd,
    Xz,
    Zstd,
    Bzip2,
    Lbzip2,
    Lz4,
    Lhasa,
    Prlimit,
    Setpriv,
    Unshare,
    Flock,
}
