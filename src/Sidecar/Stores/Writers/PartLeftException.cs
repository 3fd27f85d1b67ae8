namespace Sidecar.Stores.Writers;

/// <summary>A write failed, and the part of the image that the store has by now could not be removed.</summary>
internal sealed class PartLeftException(Exception cause) : Exception(cause.Message, cause);
