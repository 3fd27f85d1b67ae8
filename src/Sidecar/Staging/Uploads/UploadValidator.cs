using Microsoft.Win32.SafeHandles;
using Sidecar.Staging.Core;

namespace Sidecar.Staging.Uploads;

/// <summary>
/// Validates the format that the sender of an upload claims, whenever a new header field has arrived, and completely before
/// the commit. In between it costs one comparison a chunk.
/// </summary>
internal sealed class UploadValidator(ValidateImage validate, ImageClaim claim, SafeFileHandle data)
{
    // Where most formats show, so that most uploads are checked once on the way.
    private const long FirstBytes = 64 << 10;

    private readonly bool _isAsked = claim.DiskFormat.Length > 0;
    private long _next = claim.DiskFormat.Length > 0 ? FirstBytes : long.MaxValue;

    /// <summary>The image was refused: nothing of it shall be kept.</summary>
    public bool HasRefused { get; private set; }

    /// <summary>So many bytes have been received.</summary>
    /// <exception cref="Exception">The validate's refusal.</exception>
    /// <exception cref="IOException">They cannot be read.</exception>
    public void Grown(long received)
    {
        if (received < _next) return;
        _next = Validate(received, complete: false);
    }

    /// <summary>All bytes have been received.</summary>
    /// <exception cref="Exception">As of <see cref="Grown"/>.</exception>
    public void Complete(long received)
    {
        if (_isAsked) Validate(received, complete: true);
    }

    private long Validate(long available, bool complete)
    {
        var result = validate(claim, data, available, complete);
        if (result.Refusal is not { } refusal) return result.NeededBytes;
        HasRefused = true;
        throw refusal;
    }
}
