using System.Runtime.InteropServices;

namespace Stagectl;

/// <summary>
/// Ctrl-C and SIGTERM as a token. The first signal lets the command end in good order; a second one ends the process
/// as if nobody listened.
/// </summary>
internal sealed class Interrupt : IDisposable
{
    // Never disposed, which would free nothing: a signal may arrive while the command ends.
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public Interrupt() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Raise),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Raise),
    ];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }

    private void Raise(PosixSignalContext context)
    {
        if (_source.IsCancellationRequested) return;
        context.Cancel = true;
        _source.Cancel();
    }
}
