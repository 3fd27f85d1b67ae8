using Stagectl.Failures;

namespace Stagectl.Ingest;

/// <summary>Something that another attempt may mend.</summary>
internal sealed class AttemptException(Failure failure, bool neverAnswered = false, TimeSpan? retryAfter = null)
    : Exception(failure.Message)
{
    /// <summary>What the command ends with when there is no other attempt.</summary>
    public Failure Failure => failure;

    /// <summary>Nobody is there, or nobody answered.</summary>
    public bool NeverAnswered => neverAnswered;

    /// <summary>How long the server wants to be left alone.</summary>
    public TimeSpan RetryAfter => retryAfter ?? TimeSpan.Zero;
}
