using Sidecar.SoakTests.Ledger;
using Sidecar.SoakTests.Pods;

namespace Sidecar.SoakTests.Clients;

/// <summary>One client, with images of its own: makes one call after another, drawn at random from those that make sense.</summary>
internal sealed class Client(Caller caller, SoakPods pods, Violations violations, Figures figures, int seed)
{
    private const int LivesAtOnce = 6;

    private readonly Random _random = new(seed);
    private readonly List<Life> _alive = [];
    private readonly List<Life> _dead = [];

    /// <summary>All that it ever dealt with; those that live under an id that lived before come later.</summary>
    public IEnumerable<Life> Lives => [.. _dead, .. _alive];

    public async Task RunAsync(CancellationToken end)
    {
        var random = new Random(_random.Next());
        var uploads = new Uploads(caller, violations, figures, random);
        var reads = new Reads(caller, pods, violations, figures, random);
        var imports = new Imports(caller, pods, violations, figures, random);
        var deletes = new Deletes(caller, figures, random);
        var others = new Others(caller, pods, violations, random);
        while (!end.IsCancellationRequested)
        {
            if (_alive.Count < LivesAtOnce) _alive.Add(Born(Identifiers.New(_random)));
            var life = _alive[_random.Next(_alive.Count)];
            await (life.Promise switch
            {
                Promise.NotFinished => UploadAsync(life),
                Promise.MaybeStaged => _random.Next(2) == 0 ? uploads.StageAsync(life) : reads.GetAsync(life),
                Promise.Staged => UseAsync(life),
                _ => DeleteAsync(life),
            });
        }

        Task UploadAsync(Life life) => _random.Next(8) switch
        {
            < 2 => uploads.StageAsync(life),
            < 4 => life.WasBegun ? uploads.ContinueAsync(life) : uploads.StageAsync(life),
            < 6 => life.WasBegun ? uploads.ContinueAsync(life) : uploads.CutOffAsync(life),
            6 => life.WasBegun ? reads.ReadAsync(life) : others.InspectAsync(life),
            _ => life.WasBegun ? deletes.DeleteAsync(life) : reads.GetAsync(life),
        };

        Task UseAsync(Life life) => _random.Next(16) switch
        {
            < 4 => reads.ReadAsync(life),
            4 => reads.GetAsync(life),
            < 9 => life.IsImported ? reads.ReadOutputAsync(life) : imports.RunAsync(life),
            9 => life.ImportId is null ? imports.CancelAsync(life) : imports.RunAsync(life),
            10 => life.IsImported ? imports.ReleaseAsync(life, keepImage: _random.Next(2) == 0) : imports.RunAsync(life),
            11 => others.InspectAsync(life),
            12 => others.ReserveAsync(),
            13 => others.ListAsync(),
            _ => deletes.DeleteAsync(life),
        };

        async Task DeleteAsync(Life life)
        {
            if (_dead.Count > 0 && _random.Next(4) == 0) await reads.GetAsync(_dead[_random.Next(_dead.Count)]);
            if (life.Promise != Promise.Deleted) await deletes.DeleteAsync(life);
            else if (_random.Next(2) == 0) await reads.ReadAsync(life);
            else Bury(life);
        }
    }

    private Life Born(string id) => new(id, _random.Next(SoakPods.Count), _random.Next(), pods.Drains);

    // Some are staged again with other bytes under their id; not those of which something may be left somewhere.
    private void Bury(Life life)
    {
        _alive.Remove(life);
        life.Forget();
        if (life is { MayReturn: false, IsPending: false, WasBrought: false } && _random.Next(3) == 0) _alive.Add(Born(life.Id));
        else _dead.Add(life);
    }
}
