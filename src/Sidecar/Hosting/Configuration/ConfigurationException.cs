namespace Sidecar.Hosting.Configuration;

/// <summary>A setting that stops the start; the message is the one line that the person sees.</summary>
internal sealed class ConfigurationException(string message, Exception? inner = null) : Exception(message, inner);
