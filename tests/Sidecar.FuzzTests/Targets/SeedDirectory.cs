using System.Diagnostics;

namespace Sidecar.FuzzTests.Targets;

/// <summary>A directory in which programs make the inputs to begin with.</summary>
internal sealed class SeedDirectory : IDisposable
{
    /// <summary>As far as headers reach; what is behind is data.</summary>
    private const int MaxSeedBytes = 320 << 10;

    private readonly string _path = Directory.CreateTempSubdirectory("fuzz-seeds-").FullName;

    public string this[string name] => Path.Combine(_path, name);

    public void Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = _path, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode == 0) return;
        throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {output}{errors.Result}");
    }

    public void Write(string name, ReadOnlySpan<byte> content) => File.WriteAllBytes(this[name], content);

    /// <summary>The beginning of a file.</summary>
    public byte[] Read(string name)
    {
        using var file = File.OpenHandle(this[name]);
        var bytes = new byte[Math.Min(MaxSeedBytes, RandomAccess.GetLength(file))];
        return bytes[..RandomAccess.Read(file, bytes, 0)];
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
