using NUnit.Framework;

namespace Glance.Tests.Harness;

internal sealed class CommandTests
{
    [Test]
    public async Task Log_WhileTheProgramWrites_CanBeCopied()
    {
        await using var program = Command.Start(["seq", "300000"]);
        var copies = 0;
        // A copy asks how much there is, and then takes it: lines that arrive in between must not be among it.
        do
        {
            string[] copy = [.. program.Log, .. program.Log];
            if (copy.Length > 0) copies++;
        }
        while (!program.HasExited);
        Assert.That(copies, Is.Positive);
    }
}
