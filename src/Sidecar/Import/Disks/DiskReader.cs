using System.Runtime.ExceptionServices;

namespace Sidecar.Import.Disks;

/// <summary>
/// Reads a disk in order from a server, with several reads in flight. Two threads meet here: the caller's asks and takes what
/// has come, another one receives. Their buffers are a ring: read number n goes to buffer n modulo their number, and is asked
/// when the one before it there has been taken. <see cref="_gate"/> guards whose turn a buffer is: of a buffer that is asked for
/// only the receiver touches the bytes, of one that is filled only the caller does.
/// </summary>
internal sealed class DiskReader : IDisposable
{
    private readonly NbdConnection _connection;
    private readonly DiskMap _map;
    private readonly ReadBuffer[] _ring;
    private readonly IEnumerator<DiskRun> _toAsk;
    private readonly object _gate = new();
    private readonly long _total;
    private Task _receiving = Task.CompletedTask;
    private Exception? _failure;
    private ulong _asked;

    /// <param name="requests">Reads in flight.</param>
    public DiskReader(NbdConnection connection, DiskMap map, int requests)
    {
        (_connection, _map) = (connection, map);
        _total = map.Runs.Sum(run => (run.End - run.Start + DiskMap.BlockBytes - 1) / DiskMap.BlockBytes);
        // Two more are with the caller.
        _ring = [.. Enumerable.Range(0, (int)Math.Min(requests + 2, _total)).Select(_ => new ReadBuffer())];
        _toAsk = map.Blocks().GetEnumerator();
    }

    /// <summary>All of the disk. The bytes of a piece stay until the piece after the next is asked for.</summary>
    /// <exception cref="NbdException">The server hung up, tells an error, or answers nonsense.</exception>
    public IEnumerable<DiskPiece> Read()
    {
        Begin();
        var position = 0L;
        var taken = 0L;
        foreach (var block in _map.Blocks())
        {
            if (block.Start > position) yield return new DiskPiece(position, block.Start - position, null);
            yield return new DiskPiece(block.Start, block.End - block.Start, Take(taken));
            // The caller has come back, so it is done with the one before.
            if (taken > 0) AskNext();
            taken++;
            position = block.End;
        }

        if (_map.Size > position) yield return new DiskPiece(position, _map.Size - position, null);
    }

    public void Dispose()
    {
        _connection.Shutdown();
        _receiving.Wait();
        _toAsk.Dispose();
        foreach (var buffer in _ring) buffer.Return();
    }

    private void Begin()
    {
        _receiving = Task.Factory.StartNew(Receive, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for (var i = 0; i < _ring.Length; i++) AskNext();
    }

    private void AskNext()
    {
        if (!_toAsk.MoveNext()) return;
        var block = _toAsk.Current;
        var cookie = _asked++;
        var length = (int)(block.End - block.Start);
        // Before it is asked: its answer may be there before this thread goes on.
        lock (_gate) _ring[cookie % (ulong)_ring.Length].Expect(cookie, block.Start, length);
        var flags = block.IsSolid && _connection.Export.RefusesFragments ? Nbd.FlagNoFragments : (ushort)0;
        _connection.Ask(Nbd.CommandRead, flags, cookie, block.Start, (uint)length);
    }

    private byte[] Take(long number)
    {
        var buffer = _ring[number % _ring.Length];
        lock (_gate)
        {
            while (!buffer.IsFilled && _failure is null) Monitor.Wait(_gate);
            if (!buffer.IsFilled) ExceptionDispatchInfo.Throw(_failure!);
        }

        return buffer.Bytes;
    }

    private void Receive()
    {
        try
        {
            for (var done = 0L; done < _total;)
            {
                var chunk = _connection.NextChunk();
                var buffer = _ring[chunk.Cookie % (ulong)_ring.Length];
                lock (_gate)
                {
                    if (!buffer.Awaits(chunk.Cookie)) throw NbdException.Violated("it answers a read that was not asked, or once more");
                }

                buffer.Fill(_connection, chunk);
                if (!chunk.IsLast) continue;
                done++;
                lock (_gate)
                {
                    buffer.Complete();
                    Monitor.PulseAll(_gate);
                }
            }
        }
#pragma warning disable CA1031 // Whatever it was belongs to the caller, who waits.
        catch (Exception failure)
        {
            lock (_gate)
            {
                _failure = failure;
                Monitor.PulseAll(_gate);
            }
        }
#pragma warning restore CA1031
    }
}
