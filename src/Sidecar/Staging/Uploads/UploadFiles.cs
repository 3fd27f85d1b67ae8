using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging.Uploads;

/// <summary>The open files of an upload that is written to.</summary>
internal sealed class UploadFiles : IDisposable
{
    private UploadFiles(ResumableFile file, ReceivedNote note)
    {
        File = file;
        Note = note;
    }

    public ResumableFile File { get; }

    public SafeFileHandle Data => File.Data;

    public ReceivedNote Note { get; }

    /// <param name="intervalBytes">Bytes after which a durable point is due.</param>
    /// <exception cref="IOException">The disk failed or is full; none is open.</exception>
    public static UploadFiles Open(Upload upload, long intervalBytes)
    {
        var file = ResumableFile.Open(upload.DataFile, upload.JournalFile, upload.Start, intervalBytes);
        try
        {
            file.BeginAt(upload.Received.Offset);
            return new UploadFiles(file, ReceivedNote.Open(upload.NoteFile));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Note.Dispose();
        File.Dispose();
    }
}
