using Microsoft.Win32.SafeHandles;

namespace Sidecar.Staging.Core;

/// <summary>What a caller says that an image is, by Glance's names.</summary>
/// <param name="DiskFormat">Empty: nothing is said.</param>
/// <param name="ContainerFormat">Empty: bare.</param>
/// <param name="ToleratedChecks">Of boot records, by the names of <c>Import:ToleratedChecks</c>: they refuse nothing. Null: none.</param>
internal readonly record struct ImageClaim(
    string DiskFormat, string ContainerFormat, IReadOnlyList<string>? ToleratedChecks = null);

/// <summary>What the bytes of an image allow to say.</summary>
/// <param name="NeededBytes">
/// How many must be there before more can be told; <see cref="long.MaxValue"/>: only the whole image tells more.
/// </param>
/// <param name="Refusal">Why the image is refused, as its sender shall see it; null when it is not.</param>
internal readonly record struct ImageValidation(long NeededBytes, Exception? Refusal)
{
    /// <summary>Nothing to say before the end, or at it.</summary>
    public static readonly ImageValidation Nothing = new(long.MaxValue, null);
}

/// <summary>Validates an image by its content. The staging area knows no format itself.</summary>
/// <param name="file">Open for reading.</param>
/// <param name="available">Bytes that are there.</param>
/// <param name="complete">That is the whole image.</param>
/// <exception cref="IOException">The file cannot be read.</exception>
internal delegate ImageValidation ValidateImage(ImageClaim claim, SafeFileHandle file, long available, bool complete);
