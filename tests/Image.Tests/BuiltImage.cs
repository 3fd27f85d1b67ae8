using System.Reflection;
using NUnit.Framework;

namespace Image.Tests;

/// <summary>
/// The image, built once for all tests by the Dockerfile itself, from a Debian base that debootstrap makes. The programs
/// come from eng/publish, or with <c>IMAGE_TESTS_WHOLE=1</c>, as eng/test-dockerfile sets it, from the Dockerfile's own
/// build stage.
/// </summary>
[SetUpFixture]
internal sealed class BuiltImage
{
    public const string Name = "localhost/glance-staging-sidecar:test";
    public const string BaseName = "localhost/debian:12";
    public const int Uid = 42415;

    public static string Directory { get; private set; } = "";

    public static ContainerStore Store { get; private set; } = null!;

    /// <summary>stagectl on this machine, outside of any container.</summary>
    public static string Stagectl => Path.Combine(Programs, "stagectl");

    private static string Programs => Path.Combine(Directory, "context", "published");

    private static string RepoRoot => typeof(BuiltImage).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == "RepoRoot").Value!;

    [OneTimeSetUp]
    public async Task BuildAsync()
    {
        // Short: the path of a Unix socket has at most 107 characters.
        Directory = System.IO.Directory.CreateTempSubdirectory("si-").FullName;
        Store = new ContainerStore(Directory);
        Store.Create();
        await MakeBaseAsync();
        if (Environment.GetEnvironmentVariable("IMAGE_TESTS_WHOLE") == "1") await BuildWholeAsync();
        else await BuildOfPublishedAsync();
    }

    [OneTimeTearDown]
    public async Task RemoveAsync()
    {
        await Store.DestroyAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static async Task BuildOfPublishedAsync()
    {
        await TakeProgramsAsync();
        File.Copy(Path.Combine(RepoRoot, "Dockerfile"), Path.Combine(Directory, "context", "Dockerfile"));
        await BuildAsync(Path.Combine(Directory, "context"), "--target", "published");
    }

    // As "docker build ." does it, in the repository.
    private static async Task BuildWholeAsync()
    {
        await BuildImages.MakeAsync(Store, Directory);
        await BuildAsync(
            RepoRoot, "--build-arg", $"SDK_IMAGE={BuildImages.SdkName}", "--build-arg", $"BUILD_IMAGE={BuildImages.DebianName}");
        System.IO.Directory.CreateDirectory(Programs);
        var container = await Store.PodmanAsync("create", Name);
        await Store.PodmanAsync("cp", $"{container}:/usr/local/bin/stagectl", Stagectl);
        await Store.PodmanAsync("rm", container);
    }

    private static Task<string> BuildAsync(string context, params string[] arguments) => Store.BuildahAsync(
    [
        "build", "--isolation", "chroot", "--format", "docker", "--pull-never", "--build-arg", $"BASE_IMAGE={BaseName}",
        "--build-arg", "REVISION=tested", "--tag", Name, .. arguments, context,
    ]);

    private static async Task TakeProgramsAsync()
    {
        System.IO.Directory.CreateDirectory(Programs);
        if (Environment.GetEnvironmentVariable("TEST_SIDECAR") is { Length: > 0 } sidecar
            && Environment.GetEnvironmentVariable("TEST_STAGECTL") is { Length: > 0 } stagectl)
        {
            File.Copy(sidecar, Path.Combine(Programs, "glance-staging-sidecar"));
            File.Copy(stagectl, Stagectl);
            return;
        }

        await Command.RunAsync(Path.Combine(RepoRoot, "eng/publish"), Programs);
    }

    private static async Task MakeBaseAsync()
    {
        var root = Path.Combine(Directory, "base");
        var (suite, mirror) = await DebianHereAsync();
        await Command.RunAsync("debootstrap", "--variant=minbase", suite, root, mirror);
        await Command.RunAsync(
            "tar", "-C", root, "-cf", root + ".tar", "--exclude=./var/cache/apt/archives/*.deb", ".");
        await Store.PodmanAsync("import", "--quiet", root + ".tar", BaseName);
        System.IO.Directory.Delete(root, recursive: true);
        File.Delete(root + ".tar");
    }

    // Of the release that this machine has, as programs that were built on a newer one may not run on an older; and from where it
    // installs, as another mirror may be out of reach.
    private static async Task<(string Suite, string Mirror)> DebianHereAsync()
    {
        var sources = await Command.RunAsync(
            "apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages", "Origin: Debian");
        var release = sources.Split('\n').Select(line => line.Split(' ', 2)).FirstOrDefault(line => line[0].All(char.IsAsciiLetterLower))
            ?? throw new AssertionException("apt knows no mirror of Debian: run apt-get update.\n" + sources);
        return (release[0], release[1]);
    }
}
