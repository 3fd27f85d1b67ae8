namespace Sidecar.Import.Core;

/// <summary>The ids of imports, as callers write them.</summary>
internal static class ImportIds
{
    /// <exception cref="ImportException"><see cref="ImportError.InvalidRequest"/>: not a UUID with hyphens, or all zeros.</exception>
    public static Guid Parse(string text) =>
        text.Length == 36 && Guid.TryParseExact(text, "D", out var id) && id != Guid.Empty
            ? id
            : throw new ImportException(
                ImportError.InvalidRequest, "The import id is not a UUID.", ("field", "import_id"));
}
