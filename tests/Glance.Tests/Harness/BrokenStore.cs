namespace Glance.Tests.Harness;

/// <summary>A store whose directory has become a file, which stops root too.</summary>
internal sealed class BrokenStore : IDisposable
{
    private readonly string _directory;

    public BrokenStore(string directory)
    {
        _directory = directory;
        Directory.Move(directory, Aside);
        File.WriteAllText(directory, "");
    }

    private string Aside => _directory + ".aside";

    public void Dispose()
    {
        File.Delete(_directory);
        Directory.Move(Aside, _directory);
    }
}
