using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Uploads;

/// <summary>The open files of an upload that is written to.</summary>
internal sealed class UploadFiles : IDisposable
{
    private UploadFiles(SafeFileHandle data, UploadJournal journal, ReceivedNote note)
    {
        Data = data;
        Journal = journal;
        Note = note;
    }

    public SafeFileHandle Data { get; }

    public UploadJournal Journal { get; }

    public ReceivedNote Note { get; }

    /// <exception cref="IOException">The disk failed or is full; none is open.</exception>
    public static UploadFiles Open(Upload upload)
    {
        var data = DurableFiles.OpenWritable(upload.DataFile, FileMode.OpenOrCreate);
        UploadJournal? journal = null;
        try
        {
            journal = UploadJournal.Open(upload.JournalFile, upload.Start);
            return new UploadFiles(data, journal, ReceivedNote.Open(upload.NoteFile));
        }
        catch
        {
            journal?.Dispose();
            data.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Note.Dispose();
        Journal.Dispose();
        Data.Dispose();
    }
}
