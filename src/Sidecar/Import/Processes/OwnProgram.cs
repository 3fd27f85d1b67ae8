namespace Sidecar.Import.Processes;

/// <summary>The daemon's own program, which has other roles than that of the daemon.</summary>
internal static class OwnProgram
{
    private const string Runtime = "dotnet";

    /// <summary>Its path; null where it runs inside another program, as in a test without one beside it.</summary>
    public static string? Path { get; } = Find();

    // As it ships it is this very process's; built for development or in a test it lies beside the assemblies.
    private static string? Find()
    {
        var beside = System.IO.Path.Combine(AppContext.BaseDirectory, typeof(OwnProgram).Assembly.GetName().Name!);
        if (File.Exists(beside)) return beside;
        return Environment.ProcessPath is { } own && System.IO.Path.GetFileName(own) != Runtime ? own : null;
    }
}
