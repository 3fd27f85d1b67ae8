using Microsoft.Win32.SafeHandles;

namespace Sidecar.HotPaths;

/// <summary>A file without a name: it is gone when it is closed, whatever ends the process.</summary>
internal static class ScratchFile
{
    public static SafeFileHandle Open() => File.OpenHandle(
        Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, FileOptions.DeleteOnClose);

    public static SafeFileHandle With(ReadOnlySpan<byte> content)
    {
        var file = Open();
        RandomAccess.Write(file, content, 0);
        return file;
    }
}
