namespace Sidecar.CrashTests.Scenarios;

/// <summary>
/// What was asked of one image and what was acknowledged, each with the number of file operations at that time: taken
/// before a request is sent and after its answer came, so that a promise is never demanded too early.
/// </summary>
internal sealed class Life(string id, byte[] content)
{
    private const long Never = long.MaxValue;

    private readonly List<(long At, ulong Offset)> _durable = [];

    public string Id => id;

    public byte[] Content => content;

    public long StagedAt { get; set; } = Never;

    /// <summary>A delete or an abort was asked for; from then on the image may be there or not.</summary>
    public long RemovalAskedAt { get; set; } = Never;

    public long RemovedAt { get; set; } = Never;

    /// <summary>The last Stage or AdoptFile was refused, so that the image must not be there.</summary>
    public bool IsRefused { get; set; }

    public string ImportId { get; init; } = Guid.NewGuid().ToString("D");

    public long ImportedAt { get; set; } = Never;

    public long ReleaseAskedAt { get; set; } = Never;

    public void Durable(long at, ulong offset) => _durable.Add((at, offset));

    public ulong DurableAt(long point) =>
        _durable.Where(entry => entry.At <= point).Select(entry => entry.Offset).DefaultIfEmpty().Max();
}
