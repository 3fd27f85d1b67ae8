using Sidecar.Import.Inspection;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import.Inspection;

/// <summary>A temporary directory and an inspector with no limits.</summary>
internal abstract class InspectionTest : IDisposable
{
    protected TempDirectory Directory { get; } = new();

    public void Dispose() => Directory.Dispose();

    protected static InspectionReport InspectFile(string path) =>
        new ImageInspector(long.MaxValue, []).InspectFile(path);

    protected InspectionReport Inspect(byte[] content) => InspectFile(Directory.Write("image", content));

    protected static IEnumerable<string> Failed(InspectionReport report) =>
        report.FailedChecks.Select(check => check.Name).Distinct();
}
