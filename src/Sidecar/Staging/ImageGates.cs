namespace Sidecar.Staging;

/// <summary>
/// One gate per image: whoever is inside is the only one that changes it. A newcomer does not wait for a silent
/// holder; it asks the holder to leave, so that a sender that reconnects is not locked out by its own dead connection.
/// Among several writers that wait, the newest wins.
/// </summary>
internal sealed class ImageGates
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ImageId, Gate> _gates = [];

    /// <summary>Enters as the newest writer of an image.</summary>
    /// <exception cref="StagingException">
    /// <see cref="StagingError.UploadTakenOver"/>: a still newer writer came while this one waited.
    /// </exception>
    public async Task<GatePass> EnterAsWriterAsync(ImageId id, CancellationToken cancellationToken)
    {
        long epoch;
        lock (_lock) epoch = ++Find(id).WriterEpoch;
        var pass = await EnterAsync(id, StagingError.UploadTakenOver, cancellationToken);
        bool newest;
        lock (_lock) newest = pass.Gate.WriterEpoch == epoch;
        if (newest) return pass;
        pass.Dispose();
        throw TakenOver(id, StagingError.UploadTakenOver);
    }

    /// <summary>Enters to remove or replace the image; the holder is told <paramref name="reason"/>.</summary>
    public async Task<GatePass> EnterAsync(ImageId id, StagingError reason, CancellationToken cancellationToken)
    {
        Gate gate;
        lock (_lock)
        {
            gate = Find(id);
            gate.Users++;
            gate.Holder?.Revoke(reason);
        }

        try
        {
            await gate.Turn.WaitAsync(cancellationToken);
        }
        catch
        {
            Leave(id, gate);
            throw;
        }

        var pass = new GatePass(this, id, gate);
        lock (_lock) gate.Holder = pass;
        return pass;
    }

    /// <summary>Asks every holder to leave.</summary>
    public void RevokeAll(StagingError reason)
    {
        lock (_lock)
        {
            foreach (var gate in _gates.Values) gate.Holder?.Revoke(reason);
        }
    }

    internal static StagingException TakenOver(ImageId id, StagingError reason) => reason switch
    {
        StagingError.Draining => new StagingException(
            reason, "The sidecar is stopping. Ask GetUpload for the received offset and resume there in a moment."),
        StagingError.UploadTakenOver => new StagingException(
            reason, $"A newer Stage call for image {id} has taken over; this one ends."),
        _ => new StagingException(reason, $"The upload of image {id} was aborted, or its image deleted."),
    };

    internal void Exit(ImageId id, GatePass pass)
    {
        lock (_lock) pass.Gate.Holder = null;
        pass.Gate.Turn.Release();
        Leave(id, pass.Gate);
    }

    private Gate Find(ImageId id)
    {
        if (_gates.TryGetValue(id, out var gate)) return gate;
        return _gates[id] = new Gate();
    }

    private void Leave(ImageId id, Gate gate)
    {
        lock (_lock)
        {
            if (--gate.Users == 0) _gates.Remove(id);
        }
    }

    internal sealed class Gate
    {
        public SemaphoreSlim Turn { get; } = new(1);

        public GatePass? Holder { get; set; }

        public int Users { get; set; }

        public long WriterEpoch { get; set; }
    }
}
