using NUnit.Framework;

namespace Image.Tests;

/// <summary>
/// Stands in for the public SDK image: the Debian base with this machine's .NET SDK, and with what this machine needs
/// to reach its package source.
/// </summary>
internal static class SdkImage
{
    public const string Name = "localhost/dotnet-sdk:test";

    // The machine's own authorities are among them, as its way to a package source may lead through a proxy.
    private const string Authorities = "/etc/ssl/certs/ca-certificates.crt";

    public static async Task MakeAsync(ContainerStore store, string directory)
    {
        var definition = Path.Combine(directory, "Dockerfile.sdk");
        await File.WriteAllTextAsync(definition, $"""
            FROM {BuiltImage.BaseName}
            RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libicu72 libssl3 libstdc++6
            COPY . /usr/share/dotnet
            RUN ln -s /usr/share/dotnet/dotnet /usr/bin/dotnet
            ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 {RevocationMode()}

            """);
        await store.BuildahAsync(
            "build", "--isolation", "chroot", "--pull-never", "--file", definition, "--tag", Name, SdkDirectory());
        await AddAuthoritiesAsync(store);
    }

    private static async Task AddAuthoritiesAsync(ContainerStore store)
    {
        var container = await store.BuildahAsync("from", "--pull-never", Name);
        await store.BuildahAsync("copy", container, Authorities, Authorities);
        await store.BuildahAsync("commit", "--rm", container, Name);
    }

    private static string SdkDirectory() => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host
        ? Path.GetDirectoryName(host)!
        : throw new AssertionException("Run these tests by 'dotnet test', which says where its SDK is.");

    private static string RevocationMode() =>
        Environment.GetEnvironmentVariable("NUGET_CERT_REVOCATION_MODE") is { Length: > 0 } mode
            ? "NUGET_CERT_REVOCATION_MODE=" + mode
            : "";
}
