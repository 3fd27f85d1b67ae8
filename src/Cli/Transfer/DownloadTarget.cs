using Microsoft.Win32.SafeHandles;

namespace Stagectl.Transfer;

/// <summary>
/// Where a download goes. A file gets its name only when it is complete: until then it is NAME.part, which a failed
/// command removes.
/// </summary>
internal abstract class DownloadTarget : IDisposable
{
    public static DownloadTarget Open(string path)
    {
        if (path == "-") return new PipeTarget(Console.OpenStandardOutput());
        // A rename would put a file in the device's place.
        return Path.GetFullPath(path).StartsWith("/dev/", StringComparison.Ordinal)
            ? new PipeTarget(new FileStream(path, FileMode.Open, FileAccess.Write))
            : new FileTarget(path);
    }

    /// <summary>Writes the next bytes.</summary>
    public abstract ValueTask AppendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>All bytes are there.</summary>
    public abstract ValueTask CompleteAsync(CancellationToken cancellationToken);

    public abstract void Dispose();

    private sealed class PipeTarget(Stream stream) : DownloadTarget
    {
        public override ValueTask AppendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
            stream.WriteAsync(data, cancellationToken);

        public override async ValueTask CompleteAsync(CancellationToken cancellationToken) =>
            await stream.FlushAsync(cancellationToken);

        public override void Dispose() => stream.Dispose();
    }

    private sealed class FileTarget(string path) : DownloadTarget
    {
        private readonly string _part = path + ".part";
        private readonly SafeFileHandle _file = File.OpenHandle(path + ".part", FileMode.Create, FileAccess.Write);
        private long _offset;
        private bool _complete;

        public override async ValueTask AppendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            // Disk images are mostly zeros: they stay holes.
            if (data.Span.ContainsAnyExcept((byte)0)) await RandomAccess.WriteAsync(_file, data, _offset, cancellationToken);
            _offset += data.Length;
        }

        public override ValueTask CompleteAsync(CancellationToken cancellationToken)
        {
            RandomAccess.SetLength(_file, _offset);
            RandomAccess.FlushToDisk(_file);
            File.Move(_part, path, overwrite: true);
            _complete = true;
            return ValueTask.CompletedTask;
        }

        public override void Dispose()
        {
            _file.Dispose();
            if (!_complete) File.Delete(_part);
        }
    }
}
