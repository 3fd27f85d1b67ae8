using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Infrastructure.Network;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Faults;

/// <summary>
/// Faults between three pods, each in a network namespace of its own and with mTLS, at each step of a forwarded import
/// that has its output fetched. Whatever happens, and whenever: the image is not lost, the import succeeds once, and
/// after its release no file is left that nobody owns.
/// </summary>
internal sealed class FaultTests : SidecarTest
{

    private static IEnumerable<TestCaseData> Cases()
    {
        foreach (var fault in Enum.GetValues<Fault>())
        {
            foreach (var step in Enum.GetValues<Step>())
            {
                // A pod that is killed or frozen finishes no import meanwhile.
                if (step == Step.AtTheEnd && fault is Fault.OwnerFrozen or Fault.OwnerKilled) continue;
                yield return new TestCaseData(fault, step);
            }
        }
    }

    [TestCaseSource(nameof(Cases))]
    public async Task RunImport_WithAFault_SucceedsOnceWhenItIsOver(Fault fault, Step step)
    {
        using var network = new PodNetwork(3);
        await using var scene = await FaultScene.StartAsync(network, Deadline);
        var import = step == Step.BeforeTheCall
            ? await scene.CallRefusedThenAgainAsync(fault)
            : await scene.CallThroughAsync(fault, step);
        Assert.That(import.State, Is.EqualTo(ImportMessage.Types.State.Succeeded));
        await scene.AssertSoundAsync(import);
    }
}
