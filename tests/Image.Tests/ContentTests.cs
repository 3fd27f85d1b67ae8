using System.Globalization;
using System.Text.Json;
using NUnit.Framework;

namespace Image.Tests;

/// <summary>What is in the image, and what it says of itself.</summary>
internal sealed class ContentTests
{
    [Test]
    public async Task Configuration_SaysWhatRunsAndAsWhom()
    {
        var image = await InspectAsync();
        var config = image.GetProperty("Config");
        Assert.That(config.GetProperty("User").GetString(), Is.EqualTo($"{BuiltImage.Uid}:{BuiltImage.Uid}"));
        Assert.That(Words(config.GetProperty("Entrypoint")), Is.EqualTo(["/usr/local/bin/glance-staging-sidecar"]));
        var health = Words(image.GetProperty("Healthcheck").GetProperty("Test"));
        Assert.That(health, Is.EqualTo(["CMD", "/usr/local/bin/stagectl", "health", "liveness"]));
        var labels = image.GetProperty("Labels");
        foreach (var label in (string[])["title", "description", "version", "revision"])
        {
            Assert.That(labels.GetProperty("org.opencontainers.image." + label).GetString(), Is.Not.Empty, label);
        }

        var version = await RunAsync("stagectl", "--version");
        Assert.That(labels.GetProperty("org.opencontainers.image.version").GetString(), Is.EqualTo(version));
    }

    [TestCase("glance-staging-sidecar", "--version")]
    [TestCase("stagectl", "--version")]
    [TestCase("qemu-img", "--version")]
    [TestCase("qemu-nbd", "--version")]
    [TestCase("xz", "--version")]
    [TestCase("zstd", "--version")]
    [TestCase("find", "/usr/bin/bzip2")]
    [TestCase("lbzip2", "--version")]
    [TestCase("find", "/usr/bin/lhasa")]
    [TestCase("lz4", "--version")]
    [TestCase("prlimit", "--version")]
    [TestCase("setpriv", "--version")]
    [TestCase("unshare", "--version")]
    [TestCase("flock", "--version")]
    public async Task Program_IsThereAndRuns(string program, string argument) =>
        Assert.That(await RunAsync(program, argument), Is.Not.Empty);

    [Test]
    public async Task Files_AreReadableAndWritableOnlyWhereTheyMustBe()
    {
        // What may not be looked into may not be written either: find complains, and its exit code says so.
        var (_, writable, _) = await BuiltImage.Store.TryPodmanAsync(
            "run", "--rm", "--entrypoint", "find", BuiltImage.Name,
            "/", "-xdev", "-writable", "-not", "-type", "l", "-not", "-type", "c");
        Assert.That(writable.Trim().Split('\n').Order(), Is.EqualTo(new[]
        {
            "/run/glance-staging-sidecar", "/run/lock", "/tmp", "/var/lib/glance", "/var/lib/glance-staging-sidecar",
            "/var/lib/glance/os_glance_staging_store", "/var/tmp",
        }.Order()));
        var foreign = await RunAsync("find", "/usr/local", "-type", "f");
        Assert.That(
            foreign.Split('\n').Order(),
            Is.EqualTo(["/usr/local/bin/glance-staging-sidecar", "/usr/local/bin/stagectl"]));
    }

    [Test, Category("Bench")]
    public async Task Size_OfItsParts()
    {
        var image = (await InspectAsync()).GetProperty("Size").GetInt64();
        var @base = Bytes(
            await BuiltImage.Store.PodmanAsync("image", "inspect", "--format", "{{.Size}}", BuiltImage.BaseName));
        Table.Write("image, unpacked", $"{Mebibytes(image)} MiB");
        Table.Write("of it the Debian base that the test makes", $"{Mebibytes(@base)} MiB");
        foreach (var program in (string[])["glance-staging-sidecar", "stagectl"])
        {
            var bytes = Bytes(await RunAsync("stat", "--format", "%s", "/usr/local/bin/" + program));
            Table.Write($"of it {program}", $"{Mebibytes(bytes)} MiB");
        }

        var packages = await RunAsync("dpkg-query", "--show", "--showformat", "${Package}\n");
        Table.Write("Debian packages in it", $"{packages.Split('\n').Length}");
        // A base image of somebody else may be larger; what is ours must not grow unnoticed.
        Assert.That(image - @base, Is.LessThan(200L << 20));
    }

    private static long Bytes(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static string Mebibytes(long bytes) => (bytes / 1048576.0).ToString("F0", CultureInfo.InvariantCulture);

    private static Task<string> RunAsync(string program, params string[] arguments) =>
        BuiltImage.Store.PodmanAsync(["run", "--rm", "--entrypoint", program, BuiltImage.Name, .. arguments]);

    private static async Task<JsonElement> InspectAsync()
    {
        using var document = JsonDocument.Parse(await BuiltImage.Store.PodmanAsync("image", "inspect", BuiltImage.Name));
        return document.RootElement[0].Clone();
    }

    private static string?[] Words(JsonElement list) => [.. list.EnumerateArray().Select(word => word.GetString())];
}
