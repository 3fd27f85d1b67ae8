using System.Reflection;
using System.Runtime.Loader;
using Sidecar.FuzzTests.Engine;
using SharpFuzz;

namespace Sidecar.FuzzTests;

/// <summary>
/// A copy of the daemon's assembly in which every branch leaves a trace, loaded beside the one that tests are compiled
/// against. This assembly is loaded a second time with it, so that its targets call the copy.
/// </summary>
internal sealed class InstrumentedDaemon : IDisposable
{
    // What an image's bytes reach.
    private static readonly string[] Traced = ["Sidecar.Import.Inspection.", "Sidecar.Import.Decompression."];

    private static readonly Assembly Own = typeof(InstrumentedDaemon).Assembly;

    private readonly string _directory = Directory.CreateTempSubdirectory("fuzz-").FullName;

    public InstrumentedDaemon()
    {
        var daemon = Copy(typeof(Import.Inspection.ImageInspector).Assembly.Location);
        Copy(Own.Location);
        var traced = Fuzzer.Instrument(daemon, name => Traced.Any(name.StartsWith), Options.Value);
        if (!traced.Any()) throw new InvalidOperationException("Nothing of the daemon was instrumented: its namespaces have other names.");
    }

    /// <summary>Fuzzes as <see cref="FuzzRun.Fuzz"/> says, in the copy.</summary>
    public string Fuzz(string target, string corpus, string? keepIn, TimeSpan time, long executions, int seed)
    {
        var copy = new Copies(_directory).LoadFromAssemblyPath(Path.Combine(_directory, Path.GetFileName(Own.Location)));
        var run = copy.GetType(typeof(FuzzRun).FullName!)!.GetMethod(nameof(FuzzRun.Fuzz))!;
        return (string)run.Invoke(
            null, BindingFlags.DoNotWrapExceptions, null, [target, corpus, keepIn, time, executions, seed], null)!;
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string Copy(string assembly)
    {
        var copy = Path.Combine(_directory, Path.GetFileName(assembly));
        File.Copy(assembly, copy);
        return copy;
    }

    /// <summary>The two assemblies from the directory, and everything else as usual.</summary>
    private sealed class Copies(string directory) : AssemblyLoadContext("instrumented")
    {
        protected override Assembly? Load(AssemblyName assemblyName)
        {
            var path = Path.Combine(directory, assemblyName.Name + ".dll");
            return File.Exists(path) ? LoadFromAssemblyPath(path) : null;
        }
    }
}
