using Grpc.Net.Client;

namespace Sidecar.Benchmarks;

/// <summary>A daemon that is called.</summary>
internal interface IPod : IAsyncDisposable
{
    GrpcChannel Channel { get; }

    /// <summary>User and system time of its process; none when that is this one.</summary>
    TimeSpan CpuTime { get; }

    /// <summary>Until it has asked each of its peers once.</summary>
    Task ReadyAsync();
}
