using System.Text.Json;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;
using Sidecar.FunctionalTests.Interop;

namespace Sidecar.FunctionalTests.Hosting;

/// <summary>
/// Many times as many uploads at once on one connection as it may have open: the client sends the others in their turn. Each ends as if
/// it were alone, and none for what Kestrel remembers of those before it.
/// </summary>
internal sealed class CrowdTests : SidecarTest
{
    private const int Images = 600;

    [Test]
    public async Task Uploads_ByTheHundred_AllArrive()
    {
        var ends = await StageAsync();
        Assert.That(ends, Is.EquivalentTo(new Dictionary<string, int> { ["OK "] = Images }));
    }

    [Test]
    public async Task Uploads_ThatArePartlyRefused_AreToldWhyAndHarmNoOther()
    {
        var ends = await StageAsync("--Rpc:MaxUploads", "4");
        using var every = Assert.EnterMultipleScope();
        Assert.That(ends.Keys, Has.All.EqualTo("OK ").Or.Contains("Rpc:MaxUploads"));
        Assert.That(ends["OK "], Is.AtLeast(4));
        Assert.That(ends.Values.Sum(), Is.EqualTo(Images));
    }

    private static async Task<Dictionary<string, int>> StageAsync(params string[] settings)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path, settings);
        var output = await ForeignProgram.RunAsync(
            ForeignProgram.Python, ForeignProgram.File("many.py"), await ForeignBuild.PythonStubsAsync(), "unix:" + sidecar.Socket,
            Images.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return JsonSerializer.Deserialize<Dictionary<string, int>>(output)!;
    }
}
