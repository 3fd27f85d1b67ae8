using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging.Files;

/// <summary>
/// The one way to open what lies in the staging directory. Others write there too, so whatever bears the name of an
/// image or a record may be a link to a file of ours, a FIFO without another end, a device, or larger than memory:
/// only regular files are opened, links are not followed, and nothing makes the caller wait.
/// </summary>
internal static class RegularFile
{
    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="FileNotFoundException">It is gone, or something else has its name; says what.</exception>
    /// <exception cref="IOException">It cannot be opened; its HResult is the errno.</exception>
    public static SafeFileHandle OpenToRead(string path) => OpenToRead(path, out _);

    /// <summary>Opens a file for reading and writing, and makes it where the mode says so.</summary>
    /// <exception cref="FileNotFoundException">It is gone, or something else has its name; says what.</exception>
    /// <exception cref="IOException">It cannot be opened; its HResult is the errno.</exception>
    public static SafeFileHandle OpenToWrite(string path, FileMode mode)
    {
        if (Posix.TryStatus(path) is { } status) Require(status, path);
        return Checked(() => Posix.OpenToWrite(path, mode), path, out _);
    }

    /// <summary>The content of a small file.</summary>
    /// <exception cref="FileNotFoundException">It is gone, or something else has its name; says what.</exception>
    /// <exception cref="InvalidDataException">It is larger than <paramref name="maxBytes"/>.</exception>
    /// <exception cref="IOException">It cannot be read; its HResult is the errno.</exception>
    public static ReadOnlyMemory<byte> ReadAll(string path, int maxBytes)
    {
        using var file = OpenToRead(path, out var status);
        // One byte more than there should be tells a file that has grown since, without a read for nothing but its end.
        var content = status.Size > maxBytes ? throw TooLarge(path, maxBytes) : new byte[status.Size + 1];
        var length = 0;
        while (RandomAccess.Read(file, content.AsSpan(length), length) is var count and > 0)
        {
            length += count;
            if (length >= status.Size) break;
        }

        return length > maxBytes ? throw TooLarge(path, maxBytes) : content.AsMemory(0, length);
    }

    /// <summary>The length of a file by its name; null when it is gone, or something else has its name.</summary>
    /// <exception cref="IOException">The volume cannot be asked.</exception>
    public static long? TryLength(string path) =>
        Posix.TryStatus(path) is { IsRegular: true } status ? status.Size : null;

    /// <summary>Whether the name still stands for the file that is open, and for no other.</summary>
    public static bool IsAt(SafeFileHandle file, string path) =>
        Posix.TryStatus(path) is { } named && named.IsSameFile(Posix.Status(file));

    private static SafeFileHandle OpenToRead(string path, out FileStatus status)
    {
        // By name first: merely opening a device may have an effect. What is open in the end is looked at again.
        Require(Posix.TryStatus(path) ?? throw Missing(path), path);
        return Checked(() => Posix.OpenToRead(path), path, out status);
    }

    private static SafeFileHandle Checked(Func<SafeFileHandle> open, string path, out FileStatus status)
    {
        SafeFileHandle file;
        try
        {
            file = open();
        }
        catch (IOException gone) when (gone.HResult is Posix.Enoent or Posix.Eloop or Posix.Enxio)
        {
            // It was replaced between the look and the open: by nothing, a link, a FIFO or a socket.
            throw Missing(path, gone);
        }

        try
        {
            status = Posix.Status(file);
            Require(status, path);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static void Require(FileStatus status, string path)
    {
        if (status.IsRegular) return;
        throw new FileNotFoundException($"{path} is {status.Kind}, not a regular file: something else put it there.", path);
    }

    private static InvalidDataException TooLarge(string path, int maxBytes) => new($"{path} has more than {maxBytes} bytes");

    private static FileNotFoundException Missing(string path, Exception? inner = null) =>
        new($"{path} is not there.", path, inner);
}
