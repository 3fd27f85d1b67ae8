using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sidecar.Staging.Disk;

namespace Sidecar.Staging.Files;

/// <summary>
/// Reads the records under <c>.sidecar</c>, which a disk may have damaged and others may have written: whatever is
/// there, the caller gets a whole record, or is told that there is none. Records are set aside by
/// <see cref="DamagedRecords"/> then, so that one of them never keeps the daemon from its start.
/// </summary>
internal static class RecordFile
{
    /// <summary>The largest is an import's, whose request is bounded by the size of a message.</summary>
    public const int MaxBytes = 16 << 20;

    /// <summary>
    /// What lies in a directory of records at the start. A replacement of one that was never finished is removed: it says
    /// nothing of a damage, as every kill may leave one.
    /// </summary>
    public static IEnumerable<string> List(string directory) =>
        Directory.EnumerateFileSystemEntries(directory).Where(entry => !DurableFiles.RemoveUnfinished(entry));

    /// <param name="flaw">What the type cannot say: null when the record makes sense, else what is wrong with it.</param>
    /// <exception cref="InvalidDataException">What is there is no such record; says why.</exception>
    /// <exception cref="FileNotFoundException">There is nothing.</exception>
    /// <exception cref="IOException">The disk failed, so that nobody knows what is there.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static T Read<T>(string path, JsonTypeInfo<T> type, Func<T, string?> flaw)
        where T : class
    {
        var record = Parse(path, type) ?? throw new InvalidDataException("it holds null");
        return flaw(record) is { } wrong ? throw new InvalidDataException(wrong) : record;
    }

    private static T? Parse<T>(string path, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(RegularFile.ReadAll(path, MaxBytes).Span, type);
        }
        catch (JsonException damaged)
        {
            throw new InvalidDataException(damaged.Message, damaged);
        }
        catch (FileNotFoundException other) when (Posix.TryStatus(path) is not null)
        {
            throw new InvalidDataException(other.Message, other);
        }
    }
}
