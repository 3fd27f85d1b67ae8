using NUnit.Framework;
using Sidecar.Staging.Uploads;

namespace Sidecar.Tests.Staging.Uploads;

/// <summary>How much of what arrives waits for its writeback.</summary>
internal sealed class WritebackStepTests
{
    [TestCase(1, 8 << 20)]
    [TestCase(2, 4 << 20)]
    [TestCase(8, 1 << 20)]
    [TestCase(9, 1 << 20)]
    [TestCase(100_000, 1 << 20)]
    public void StepBytes_OfSoManyFiles_SharesWhatTheyMayHoldBack(int openFiles, long expected) =>
        Assert.That(ResumableFile.StepBytes(openFiles), Is.EqualTo(expected));

    // What rounds the step to nothing, or divides by the files that are not open yet, would keep an upload from its disk.
    [Test]
    public void StepBytes_BeforeAnyIsOpen_IsThatOfOne() => Assert.That(ResumableFile.StepBytes(0), Is.EqualTo(ResumableFile.StepBytes(1)));
}
