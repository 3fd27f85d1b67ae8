using System.Globalization;
using Glance.Sidecar.V1;
using Sidecar.Staging.Core;

namespace Sidecar.Routing.Locating;

/// <summary>The staged image, or the import, whose owner is located.</summary>
internal readonly record struct ResourceId
{
    private ResourceId(Guid id, bool isImport) => (Id, IsImport) = (id, isImport);

    public Guid Id { get; }

    public bool IsImport { get; }

    public static ResourceId Image(ImageId id) => new(Guid.Parse(id.ToString(), CultureInfo.InvariantCulture), false);

    public static ResourceId Import(Guid id) => new(id, true);

    public LocateRequest ToRequest(Forwarded forwarded) => IsImport
        ? new LocateRequest { ImportId = Id.ToString("D"), Forwarded = forwarded }
        : new LocateRequest { ImageId = Id.ToString("D"), Forwarded = forwarded };

    public override string ToString() => (IsImport ? "import " : "image ") + Id.ToString("D");
}
