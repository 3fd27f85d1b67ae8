using System.Globalization;
using System.Text;
using Sidecar.Staging.Files;

namespace Sidecar.Staging.Core;

/// <summary>
/// Brings one layout to the next. It may be ended at any moment and is then run again from its beginning, so each of
/// its steps must do no harm a second time; what it leaves must be durable when it returns.
/// </summary>
internal delegate void LayoutMigration(StagingLayout layout);

/// <summary>
/// The version of the layout on disk, in <see cref="StagingLayout.FormatFile"/>: a plain number. An older layout is
/// migrated one version at a time, and the number follows each migration, so that a killed daemon goes on where it
/// was. A newer one is refused before anything is touched.
/// <para>
/// A property that a record gains needs no new version: older daemons leave it out, newer ones take its default. One is
/// needed when an older daemon would destroy or misread what a newer one wrote.
/// </para>
/// </summary>
/// <param name="migrations">The first leads from layout 1 to 2, and so on.</param>
internal sealed class LayoutVersion(StagingLayout layout, IReadOnlyList<LayoutMigration> migrations)
{
    private const int First = 1;
    private const int MaxBytes = 1024;

    /// <summary>The layout that this daemon works with.</summary>
    public int Known => First + migrations.Count;

    /// <summary>Makes the directory one of the known layout. The caller holds the directory's lock.</summary>
    /// <exception cref="StagingStartException">The layout is newer, or the file holds no version.</exception>
    /// <exception cref="IOException">The disk failed or is full; starting again goes on with it.</exception>
    public void BringUpToDate()
    {
        // A new directory goes the same way: a migration finds nothing to do there.
        var found = Posix.TryStatus(layout.FormatFile) is not null ? Read() : First;
        for (var version = found; version < Known; version++)
        {
            migrations[version - First](layout);
            Write(version + 1);
        }

        if (Posix.TryStatus(layout.FormatFile) is null) Write(Known);
    }

    private int Read()
    {
        var text = ReadText();
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) || version < First)
        {
            throw Unusable($"{layout.FormatFile} holds '{Start(text)}'");
        }

        if (version <= Known) return version;
        throw new StagingStartException(
            $"The staging directory {layout.Directory} has layout {version}, and this sidecar knows layouts {First} to "
            + $"{Known}: a newer one ran here. Run that one again; to go back, drain it first, and give this one an "
            + "empty directory.");
    }

    private string ReadText()
    {
        try
        {
            return Encoding.UTF8.GetString(RegularFile.ReadAll(layout.FormatFile, MaxBytes).Span).Trim();
        }
        catch (Exception other) when (other is InvalidDataException or FileNotFoundException)
        {
            throw Unusable(other.Message.TrimEnd('.'));
        }
    }

    private StagingStartException Unusable(string what) => new(
        $"{what}; allowed: the version of a layout, {First} to {Known}. Restore it from a backup; only if no newer sidecar "
        + $"ever ran here, write {Known} into it.");

    private static string Start(string text) => text.Length <= 20 ? text : text[..20] + "...";

    private void Write(int version) => DurableFiles.Replace(
        layout.FormatFile, Encoding.ASCII.GetBytes(version.ToString(CultureInfo.InvariantCulture) + "\n"));
}
