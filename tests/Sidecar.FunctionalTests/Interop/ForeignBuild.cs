using System.Reflection;

namespace Sidecar.FunctionalTests.Interop;

/// <summary>The foreign clients, made of their sources when a test first wants them.</summary>
internal static class ForeignBuild
{
    private static readonly string Protos = Path.Combine(AppContext.BaseDirectory, "protos");
    private static readonly Lazy<Task<string>> PythonStubs = new(MakePythonStubsAsync);
    private static readonly Lazy<Task<string>> CppProgram = new(MakeCppProgramAsync);

    // Where npm has put packages beside the sources.
    private static readonly string NpmDirectory = typeof(ForeignBuild).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == nameof(NpmDirectory)).Value!;

    private static readonly string JsDirectory = Path.Combine(NpmDirectory, "js");

    // Of the packages that npm has for grpc-js: Debian has had these protos in one of its releases only.
    private static readonly string HealthProtos = Path.Combine(JsDirectory, "node_modules/grpc-health-check/proto");
    private static readonly string ReflectionProtos = Path.Combine(JsDirectory, "node_modules/@grpc/reflection/build/proto");

    /// <summary>The program of an S3 server; <c>node</c> runs it.</summary>
    public static string S3Server { get; } = Path.Combine(NpmDirectory, "s3", "server.js");

    /// <summary>The directory of modules for Python: the API, health and reflection.</summary>
    public static Task<string> PythonStubsAsync() => PythonStubs.Value;

    /// <summary>The command that runs the interop cases, but for the target and what follows it.</summary>
    public static async Task<string[]> InteropCommandAsync(ForeignClient client) => client switch
    {
        ForeignClient.Grpcio =>
            [ForeignProgram.Python, ForeignProgram.File("interop.py"), await PythonStubsAsync()],
        ForeignClient.Cpp => [await CppProgram.Value],
        ForeignClient.GrpcJs => ["node", Path.Combine(JsDirectory, "interop.js"), Protos, HealthProtos, ReflectionProtos],
        _ => throw new ArgumentOutOfRangeException(nameof(client)),
    };

    private static async Task<string> MakePythonStubsAsync()
    {
        var directory = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "python-stubs")).FullName;
        await ForeignProgram.RunAsync(
            "protoc", "-I", Protos, "-I", HealthProtos, "-I", ReflectionProtos, $"--python_out={directory}", $"--grpc_python_out={directory}",
            "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin",
            "glance/sidecar/v1/forwarded.proto", "glance/sidecar/v1/staging.proto", "glance/sidecar/v1/imports.proto",
            "health/v1/health.proto", "grpc/reflection/v1/reflection.proto", "grpc/reflection/v1alpha/reflection.proto");
        // Without these files Glance's own Python package, where it is installed, hides the stubs.
        foreach (var package in (string[])["glance", "glance/sidecar", "glance/sidecar/v1"])
        {
            await File.WriteAllBytesAsync(Path.Combine(directory, package, "__init__.py"), []);
        }

        return directory;
    }

    // Compiled again only when a source has changed: it takes longer than all tests that run it.
    private static async Task<string> MakeCppProgramAsync()
    {
        var directory = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "cpp")).FullName;
        await ForeignProgram.RunAsync(
            "make", "--silent", "--jobs=2", "-C", directory, "-f", ForeignProgram.File("cpp", "Makefile"),
            "SOURCE=" + ForeignProgram.File("cpp"), "PROTOS=" + Protos, "HEALTH=" + HealthProtos,
            "REFLECTION=" + ReflectionProtos);
        return Path.Combine(directory, "interop");
    }
}
