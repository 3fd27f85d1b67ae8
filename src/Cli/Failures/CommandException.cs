namespace Stagectl.Failures;

/// <summary>Ends a command with a failure that is told already in full.</summary>
internal sealed class CommandException(Failure failure) : Exception(failure.Message)
{
    public Failure Failure => failure;
}
