using Sidecar.Staging.Core;

namespace Sidecar.Peers.Core;

/// <summary>Who this process is among its peers.</summary>
internal sealed class PodIdentity(StagingContext staging)
{
    /// <summary>Name of this pod, as the owner of what is staged here.</summary>
    public string Name => staging.Options.PodName;

    /// <summary>Changes with every start, so that a pod recognises itself under any address.</summary>
    public string Instance { get; } = Guid.NewGuid().ToString("N");
}
