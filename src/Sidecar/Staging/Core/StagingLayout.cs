using Sidecar.Staging.Disk;

namespace Sidecar.Staging.Core;

/// <summary>
/// Where everything lies in the staging directory. Glance's own layout on the outside (<c>&lt;dir&gt;/&lt;image
/// id&gt;</c>); the sidecar's files under <c>.sidecar</c>, which Glance's start-up cleaner ignores because the name
/// starts with a dot.
/// </summary>
internal sealed class StagingLayout(string directory)
{
    /// <summary>What leads from each version of this layout to the next: nothing yet, this is the first.</summary>
    public static IReadOnlyList<LayoutMigration> Migrations { get; } = [];

    public string Directory { get; } = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));

    public string Private => Path.Combine(Directory, ".sidecar");

    /// <summary>Version of the layout; see <see cref="LayoutVersion"/>.</summary>
    public string FormatFile => Path.Combine(Private, "format");

    /// <summary>Locked by the running daemon: two of them in one directory would destroy each other's uploads.</summary>
    public string LockFile => Path.Combine(Private, "lock");

    /// <summary>The other pods, as they were known last.</summary>
    public string PeersFile => Path.Combine(Private, "peers.json");

    public string Uploads => Path.Combine(Private, "uploads");

    public string Images => Path.Combine(Private, "images");

    public string Imports => Path.Combine(Private, "imports");

    /// <summary>Deletions that peers must still be notified of.</summary>
    public string Tombstones => Path.Combine(Private, "tombstones");

    /// <summary>Outputs of imports that ran on other pods and were fetched here.</summary>
    public string Outputs => Path.Combine(Private, "outputs");

    /// <summary>Records of images that were written straight to a store of Glance's.</summary>
    public string Stores => Path.Combine(Private, "stores");

    /// <summary>Sockets of programs that serve disks to those who write to stores; nothing of it outlives the daemon.</summary>
    public string Sockets => Path.Combine(Private, "sockets");

    /// <summary>Records that could not be read; see <see cref="DamagedRecords"/>.</summary>
    public string Damaged => Path.Combine(Private, "damaged");

    /// <summary>Why those were set aside; see <c>DamagedNotes</c>.</summary>
    public string DamagedNotes => Path.Combine(Private, "damaged-notes");

    /// <summary>The staged image itself.</summary>
    public string ImageFile(ImageId id) => Path.Combine(Directory, id.ToString());

    /// <summary>What is known of a staged image.</summary>
    public string ImageRecord(ImageId id) => Path.Combine(Images, id + ".json");

    public string Tombstone(ImageId id) => Path.Combine(Tombstones, id.ToString());

    public string UploadDirectory(ImageId id) => Path.Combine(Uploads, id.ToString());

    /// <summary>Journal and work files of one import; the import id is a UUID as well.</summary>
    public string ImportDirectory(Guid importId) => Path.Combine(Imports, importId.ToString("D"));

    /// <summary>Record, journal and data of an output that was fetched here.</summary>
    public string OutputDirectory(Guid importId) => Path.Combine(Outputs, importId.ToString("D"));
}
