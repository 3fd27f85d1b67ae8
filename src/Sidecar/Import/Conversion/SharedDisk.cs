using Sidecar.Import.Core;
using Sidecar.Import.Disks;

namespace Sidecar.Import.Conversion;

/// <summary>
/// A disk that a program serves to another process, as <see cref="QemuNbd.ShareAsync"/> says. This process stays connected beside the
/// other one: the program ends when nobody is.
/// </summary>
/// <param name="requests">Reads that the program serves at once.</param>
internal sealed class SharedDisk(ServedDisk disk, string directory, int requests) : IDisposable
{
    /// <summary>Where the program's socket is.</summary>
    public string Directory { get; } = directory;

    public int Requests { get; } = requests;

    /// <summary>Waits for the end of the program. The other process has all it wanted.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program is dead.</exception>
    public void Finish()
    {
        disk.LetEnd();
        disk.Finish();
    }

    /// <summary>Waits for the end of a program that served the other process wrongly, and says for the user what happened.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program is dead.</exception>
    public ImportException Describe(NbdException failure) => disk.Describe(failure);

    public void Dispose()
    {
        disk.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
