using Sidecar.Import.Core;

namespace Sidecar.Stores.Writing;

/// <summary>The disk in a source could not be read, by the fault of the image or of the program that serves it.</summary>
/// <param name="cause">As a conversion says it.</param>
/// <param name="isPartLeft">The store may have a part of the image.</param>
internal sealed class SourceException(ImportException cause, bool isPartLeft) : Exception(cause.Message, cause)
{
    public ImportException Cause { get; } = cause;

    public bool IsPartLeft { get; } = isPartLeft;

    /// <summary>It says nothing of the image.</summary>
    public bool IsTransient => Cause.Error == ImportError.ToolUnavailable;
}
