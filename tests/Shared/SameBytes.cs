using NUnit.Framework.Constraints;

namespace Testing;

/// <summary>
/// Compares the contents of images, and names the first byte that differs. Is.EqualTo does the same, but boxes each byte:
/// it took most of the time of tests that compare disks.
/// </summary>
internal sealed class SameBytes : Constraint
{
    private readonly byte[] _expected;

    private SameBytes(byte[] expected) : base(expected) => _expected = expected;

    public override string Description => $"the {_expected.Length} bytes expected";

    public static SameBytes As(byte[] expected) => new(expected);

    public override ConstraintResult ApplyTo<TActual>(TActual actual)
    {
        if (actual is not byte[] bytes) throw new ArgumentException($"A byte[] is compared, not {typeof(TActual)}.", nameof(actual));
        return new Comparison(this, bytes, _expected);
    }

    private sealed class Comparison(SameBytes constraint, byte[] actual, byte[] expected)
        : ConstraintResult(constraint, actual, actual.AsSpan().SequenceEqual(expected))
    {
        public override void WriteActualValueTo(MessageWriter writer) => writer.Write(
            $"{actual.Length} bytes, of which the first {actual.AsSpan().CommonPrefixLength(expected)} are as expected");
    }
}
