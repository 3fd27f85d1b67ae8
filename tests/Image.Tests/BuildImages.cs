using NUnit.Framework;

namespace Image.Tests;

/// <summary>
/// Stand in for the two public images that the Dockerfile's build stage takes: the SDK's, by this machine's .NET SDK, and
/// Debian's, by the Debian base with what this machine needs to reach its package sources.
/// </summary>
internal static class BuildImages
{
    public const string SdkName = "localhost/dotnet-sdk:test";
    public const string DebianName = "localhost/debian-build:test";

    // The machine's own authorities are among them, as its way to a package source may lead through a proxy.
    private const string Authorities = "/etc/ssl/certs/ca-certificates.crt";

    private const string RevocationMode = "NUGET_CERT_REVOCATION_MODE";

    public static async Task MakeAsync(ContainerStore store, string directory)
    {
        await MakeSdkAsync(store, directory);
        await MakeDebianAsync(store, directory);
    }

    private static Task MakeSdkAsync(ContainerStore store, string directory) =>
        BuildAsync(store, directory, SdkName, SdkDirectory(), """
            FROM scratch
            COPY . /usr/share/dotnet

            """);

    private static async Task MakeDebianAsync(ContainerStore store, string directory)
    {
        var mode = Environment.GetEnvironmentVariable(RevocationMode) is { Length: > 0 } said ? $"ENV {RevocationMode}={said}" : "";
        await BuildAsync(store, directory, DebianName, directory, $"""
            FROM {BuiltImage.BaseName}
            RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
            {mode}

            """);
        // After the package, which makes this file anew.
        var container = await store.BuildahAsync("from", "--pull-never", DebianName);
        await store.BuildahAsync("copy", container, Authorities, Authorities);
        await store.BuildahAsync("commit", "--rm", container, DebianName);
    }

    private static async Task BuildAsync(ContainerStore store, string directory, string name, string context, string definition)
    {
        var path = Path.Combine(directory, "Dockerfile.of-build");
        await File.WriteAllTextAsync(path, definition);
        await store.BuildahAsync("build", "--isolation", "chroot", "--pull-never", "--file", path, "--tag", name, context);
    }

    private static string SdkDirectory() => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host
        ? Path.GetDirectoryName(host)!
        : throw new AssertionException("Run these tests by 'dotnet test', which says where its SDK is.");
}
