namespace Sidecar.Routing.Locating;

/// <summary>
/// Which pod had what, when it was last heard of. Only ever a guess that saves a round trip: the pod itself says when
/// it is wrong, and then it is forgotten. Holds what was used last when it is full.
/// </summary>
internal sealed class OwnerMemory
{
    // Twice this many entries at most: some 10 MiB.
    private const int EntriesPerGeneration = 32_768;

    private readonly Lock _lock = new();
    private Dictionary<ResourceId, Copy> _young = [];
    private Dictionary<ResourceId, Copy> _old = [];

    /// <summary>Name of the pod, or null.</summary>
    public string? Find(ResourceId subject)
    {
        lock (_lock) return Look(subject)?.Owner;
    }

    /// <summary>
    /// The pod was asked and has it. Another one that is known by now was heard of while the pod was being asked, and
    /// stays: whoever is wrong is forgotten before the next one is asked.
    /// </summary>
    public void Remember(ResourceId subject, string owner)
    {
        lock (_lock)
        {
            if (Look(subject) is null) Add(subject, new Copy(owner, DateTimeOffset.MinValue, 0));
        }
    }

    /// <summary>A copy was heard of. An older one than is known of changes nothing.</summary>
    public void Hear(ResourceId subject, Copy copy)
    {
        lock (_lock)
        {
            if (Look(subject) is not { } known || copy.Beats(known)) Add(subject, copy);
        }
    }

    /// <summary>Forgets it, unless another owner was remembered meanwhile.</summary>
    public void Forget(ResourceId subject, string owner)
    {
        lock (_lock)
        {
            if (Look(subject)?.Owner == owner) _young.Remove(subject);
        }
    }

    // What is found is young again.
    private Copy? Look(ResourceId subject)
    {
        if (_young.TryGetValue(subject, out var copy)) return copy;
        if (!_old.Remove(subject, out copy)) return null;
        Add(subject, copy);
        return copy;
    }

    private void Add(ResourceId subject, Copy copy)
    {
        if (_young.Count >= EntriesPerGeneration && !_young.ContainsKey(subject)) (_old, _young) = (_young, []);
        _old.Remove(subject);
        _young[subject] = copy;
    }
}
