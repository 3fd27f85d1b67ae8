namespace Chart.Tests.Harness;

/// <summary>Values of a test's own, in a file for as long as it needs them.</summary>
internal sealed class ValuesFile : IDisposable
{
    public ValuesFile(string values) => File.WriteAllText(Path, values);

    public string Path { get; } = System.IO.Path.GetTempFileName();

    public void Dispose() => File.Delete(Path);
}
