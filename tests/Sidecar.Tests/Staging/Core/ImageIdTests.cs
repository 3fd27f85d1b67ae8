using NUnit.Framework;
using Sidecar.Staging.Core;

namespace Sidecar.Tests.Staging.Core;

internal sealed class ImageIdTests
{
    [TestCase("7F4A2A9E-5a0c-4d0f-9d3b-0f6a1c2b3d4e")]
    public void Parse_UpperCase_BecomesCanonical(string text) =>
        Assert.That(ImageId.Parse(text).ToString(), Is.EqualTo(text.ToLowerInvariant()));

    [TestCase(null)]
    [TestCase("")]
    [TestCase("../../etc/passwd")]
    [TestCase("7f4a2a9e5a0c4d0f9d3b0f6a1c2b3d4e")]
    [TestCase("{7f4a2a9e-5a0c-4d0f-9d3b-0f6a1c2b3d4e}")]
    [TestCase("7f4a2a9e-5a0c-4d0f-9d3b-0f6a1c2b3d4e/x")]
    [TestCase(" 7f4a2a9e-5a0c-4d0f-9d3b-0f6a1c2b3d4e")]
    [TestCase("7f4a2a9e-5a0c-4d0f-9d3b-0f6a1c2b3d4e\n")]
    public void Parse_AnythingElse_IsRefusedInOneLine(string? text)
    {
        var refusal = Assert.Throws<StagingException>(() => ImageId.Parse(text))!;
        Assert.That(refusal.Error, Is.EqualTo(StagingError.InvalidImageId));
        Assert.That(refusal.Message, Does.Not.Contain("\n"));
    }
}
