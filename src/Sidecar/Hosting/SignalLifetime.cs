using System.Runtime.InteropServices;

namespace Sidecar.Hosting;

/// <summary>
/// Stops the host when a signal says so, and remembers that one did: a host may also stop because a part of it failed,
/// which must not look to Kubernetes like a wish that was fulfilled.
/// </summary>
internal sealed class SignalLifetime(IHostApplicationLifetime lifetime) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private volatile bool _signalled;

    /// <summary>Whether SIGTERM, SIGINT or SIGQUIT has come.</summary>
    public bool Signalled => _signalled;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, Stop));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true; // the process ends when the host has stopped, not at once
        _signalled = true; // before the stop begins: whoever sees the stop sees this
        lifetime.StopApplication();
    }
}
