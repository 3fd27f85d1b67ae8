namespace Sidecar.Peers.Locating;

/// <summary>
/// Which pod had what, when it was last heard of. Only ever a guess that saves a round trip: the pod itself says when
/// it is wrong, and then it is forgotten. Holds the newer half of what was used last when it is full.
/// </summary>
internal sealed class OwnerMemory
{
    // Twice this many entries at most: some 10 MiB.
    private const int EntriesPerGeneration = 32_768;

    private readonly Lock _lock = new();
    private Dictionary<Subject, string> _young = [];
    private Dictionary<Subject, string> _old = [];

    public string? Find(Subject subject)
    {
        lock (_lock)
        {
            if (_young.TryGetValue(subject, out var owner)) return owner;
            if (!_old.Remove(subject, out owner)) return null;
            Add(subject, owner);
            return owner;
        }
    }

    public void Remember(Subject subject, string owner)
    {
        lock (_lock)
        {
            _old.Remove(subject);
            Add(subject, owner);
        }
    }

    /// <summary>Forgets it, unless another owner was remembered meanwhile.</summary>
    public void Forget(Subject subject, string owner)
    {
        lock (_lock)
        {
            if (_young.GetValueOrDefault(subject) == owner) _young.Remove(subject);
            if (_old.GetValueOrDefault(subject) == owner) _old.Remove(subject);
        }
    }

    private void Add(Subject subject, string owner)
    {
        if (_young.Count >= EntriesPerGeneration && !_young.ContainsKey(subject)) (_old, _young) = (_young, []);
        _young[subject] = owner;
    }
}
