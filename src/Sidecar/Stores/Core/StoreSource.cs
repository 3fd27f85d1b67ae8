using Sidecar.Import.Core;
using Sidecar.Staging.Core;

namespace Sidecar.Stores.Core;

/// <summary>The file that is written to a store; immutable as long as it is there.</summary>
/// <param name="Mark">Names these very bytes: another upload of the image, and another import, have others.</param>
/// <param name="Size">Of what the store gets.</param>
/// <param name="Digests">Those that are known already, of its upload or its import.</param>
/// <param name="Deferred">Set when the store gets the disk in the file.</param>
internal sealed record StoreSource(
    ImageId ImageId, string Mark, string Path, long Size, IReadOnlyDictionary<string, string> Digests,
    DeferredConversion? Deferred = null);
