namespace Sidecar.Staging.Core;

/// <summary>The staging directory cannot be used at all; the message says why and what to do.</summary>
internal sealed class StagingStartException(string message, Exception? inner = null) : Exception(message, inner);
