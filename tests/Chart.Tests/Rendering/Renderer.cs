using System.Diagnostics;
using System.Text.Json.Nodes;
using Chart.Tests.Harness;
using NUnit.Framework;

namespace Chart.Tests.Rendering;

/// <summary>Renders the chart: with the program in render/, which is built once for a run.</summary>
internal static class Renderer
{
    public const string Release = "glance";
    public const string Namespace = "openstack";

    // Where Debian's packages of Go libraries lie; nothing is downloaded.
    private const string Libraries = "/usr/share/gocode";

    private static readonly Lazy<Task<string>> Program = new(BuildAsync);

    /// <summary>The manifests as text.</summary>
    public static async Task<string> RenderAsync(string set, params string[] options)
    {
        var (exit, output, error) = await TryAsync(Repository.Values(set), options);
        Assert.That(exit, Is.Zero, error);
        return output;
    }

    public static Task<(int Exit, string Output, string Error)> TryAsync(string valuesFile, params string[] options) =>
        TryReleaseAsync(Release, Namespace, valuesFile, options);

    /// <summary>What is shown after an installation.</summary>
    public static async Task<string> NotesAsync(string set)
    {
        var (exit, output, error) = await Command.RunAsync(new ProcessStartInfo(
            await Program.Value, ["notes", Release, Repository.Chart, "-n", Namespace, "-f", Repository.Values(set)]));
        Assert.That(exit, Is.Zero, error);
        return output;
    }

    /// <summary>The manifests as data.</summary>
    public static async Task<Manifests> ManifestsAsync(string set, params string[] options) =>
        new(await ParseAsync(await RenderAsync(set, options)));

    /// <summary>The manifests of values that a test has itself.</summary>
    public static async Task<Manifests> WithValuesAsync(string values, params string[] options)
    {
        var (exit, output, error) = await TryValuesAsync(values, options);
        Assert.That(exit, Is.Zero, error);
        return new Manifests(await ParseAsync(output));
    }

    public static async Task<(int Exit, string Output, string Error)> TryValuesAsync(string values, params string[] options)
    {
        using var file = new ValuesFile(values);
        return await TryAsync(file.Path, options);
    }

    /// <summary>YAML documents as data.</summary>
    public static async Task<IReadOnlyList<JsonNode>> ParseAsync(string yaml)
    {
        var json = await Command.OutputOfAsync(await Program.Value, ["json"], yaml);
        return [.. JsonNode.Parse(json)!.AsArray().Select(document => document!)];
    }

    /// <summary>The manifests of a release of another name.</summary>
    public static async Task<Manifests> OfReleaseAsync(string release, string @namespace, string values)
    {
        using var file = new ValuesFile(values);
        var (exit, output, error) = await TryReleaseAsync(release, @namespace, file.Path);
        Assert.That(exit, Is.Zero, error);
        return new Manifests(await ParseAsync(output));
    }

    private static async Task<(int Exit, string Output, string Error)> TryReleaseAsync(
        string release, string @namespace, string valuesFile, params string[] options) =>
        await Command.RunAsync(new ProcessStartInfo(
            await Program.Value,
            ["template", release, Repository.Chart, "-n", @namespace, "-f", valuesFile, .. options]));

    // The path of sprig is that of its version 3, which only later packages of Debian have in the directory's name.
    private static string MakeGoPath()
    {
        const string Sprig = "src/github.com/Masterminds/sprig";
        var path = Path.Combine(AppContext.BaseDirectory, "go-path");
        var (link, package) = (Path.Combine(path, Sprig, "v3"), Path.Combine(Libraries, Sprig));
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        Directory.CreateSymbolicLink(link, Directory.Exists(Path.Combine(package, "v3")) ? Path.Combine(package, "v3") : package);
        return path;
    }

    private static async Task<string> BuildAsync()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "render");
        var start = new ProcessStartInfo("go", ["build", "-o", program, "./render"])
        {
            WorkingDirectory = Repository.Tests,
        };
        start.Environment["GOPATH"] = $"{MakeGoPath()}:{Libraries}";
        start.Environment["GO111MODULE"] = "off";
        start.Environment["GOCACHE"] = Path.Combine(AppContext.BaseDirectory, "go-cache");
        var (exit, output, error) = await Command.RunAsync(start);
        Assert.That(exit, Is.Zero, output + error);
        return program;
    }
}
