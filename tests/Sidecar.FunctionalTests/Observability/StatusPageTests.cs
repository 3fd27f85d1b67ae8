using System.Runtime.CompilerServices;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>The status page in a real browser, over two pods in which something goes on.</summary>
internal sealed class StatusPageTests : ClusterTest
{
    private const int Tab = 9;
    private const int Space = 32;
    private const string Markup = "<img src=x onerror=document.title='owned'>";
    private const int Size = 8 << 20;

    // A table without a label or header cells says nothing to a screen reader.
    private const string UnlabelledTables = """
        [...document.querySelectorAll('table')].filter(table =>
          !table.closest('[aria-label]') || table.querySelectorAll('thead th[scope=col]').length === 0
          || [...table.rows].some(row => row.cells.length !== table.querySelectorAll('thead th').length)).length
        """;

    // What is hidden for the eye must not lie over what is not.
    private const string CoveredCells = """
        [...document.querySelectorAll('td')].filter(cell => {
          cell.scrollIntoView({ block: 'center' });
          const { left, top, height } = cell.getBoundingClientRect();
          const seen = document.elementFromPoint(left + 5, top + height / 2);
          return height > 0 && seen !== cell && !cell.contains(seen);
        }).length
        """;

    [Test]
    public async Task Page_ShowsWhatGoesOn_AndFollowsIt()
    {
        await using var cluster = await Cluster.StartAsync(2);
        await using var browser = await Browser.StartAsync(Deadline);
        using var upload = await FillAsync(cluster);

        var page = await browser.OpenAsync(cluster[0].Ops, 1200, 900, Deadline);

        var early = await page.UntilAsync("uploads", text => text.Contains("25 %", StringComparison.Ordinal));
        Assert.That(early, Does.Contain("receiving").And.Contain("demo-project"));
        Assert.That(await page.TextAsync("capacity"), Does.Contain("Free").And.Contain("GiB").And.Contain("Reserved"));
        Assert.That(await page.TextAsync("images"), Does.Contain("1 staged, 1.0 MiB"));
        Assert.That(await page.TextAsync("imports"), Does.Contain("succeeded").And.Contain("image_checksum"));
        Assert.That(await page.TextAsync("peers"), Does.Contain("glance-1").And.Contain("reachable"));
        Assert.That(await page.TextAsync("state"), Is.EqualTo("ready"));
        await page.UntilAsync("problems", text => text.Contains(Markup, StringComparison.Ordinal));
        Assert.That((await page.ValueAsync("document.images.length")).GetInt32(), Is.Zero);
        Assert.That((await page.ValueAsync("document.title")).GetString(), Does.StartWith("glance-0"));
        Assert.That((await page.ValueAsync(UnlabelledTables)).GetInt32(), Is.Zero);

        await upload.ContentAsync(Content(Size / 2));
        await page.UntilAsync("uploads", text => text.Contains("75 %", StringComparison.Ordinal));
        Assert.That(page.Problems, Is.Empty);
    }

    [TestCase(360)]
    [TestCase(1200)]
    public async Task Page_OfAnyWidth_NeverScrollsSideways(int width)
    {
        await using var cluster = await Cluster.StartAsync(2);
        await using var browser = await Browser.StartAsync(Deadline);
        using var upload = await FillAsync(cluster);

        var page = await browser.OpenAsync(cluster[0].Ops, width, 740, Deadline);
        await page.UntilAsync("problems", text => text.Contains(Markup, StringComparison.Ordinal));

        Assert.That((await page.ValueAsync("document.documentElement.scrollWidth")).GetInt32(),
            Is.LessThanOrEqualTo(width));
        Assert.That((await page.ValueAsync("window.innerWidth")).GetInt32(),
            Is.EqualTo(width), "not zoomed out either");
        Assert.That((await page.ValueAsync(CoveredCells)).GetInt32(), Is.Zero);
        Assert.That(page.Problems, Is.Empty);
    }

    [Test]
    public async Task Pause_IsReachedAndWorksByKeyboard()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        await using var browser = await Browser.StartAsync(Deadline);
        var page = await browser.OpenAsync(sidecar.Ops, 1200, 900, Deadline);
        await page.UntilAsync("images", text => text.Contains("0 staged", StringComparison.Ordinal));

        var reached = new List<string>();
        while (reached.Count < 5 && !reached.Contains("pause"))
        {
            await page.PressAsync("Tab", Tab);
            reached.Add((
                await page.ValueAsync("document.activeElement.id || document.activeElement.className")).GetString()!);
        }

        Assert.That(reached, Is.EqualTo(new[] { "skip", "pause" }));
        await page.PressAsync(" ", Space, " ");
        Assert.That((await page.ValueAsync("[document.activeElement.getAttribute('aria-pressed'), paused].join()")).GetString(),
            Is.EqualTo("true,true"));
        await StageAsync(sidecar, NewId(), Content(10));
        await page.PressAsync(" ", Space, " ");
        await page.UntilAsync("images", text => text.Contains("1 staged", StringComparison.Ordinal));
        Assert.That(page.Problems, Is.Empty);
    }

    [Test]
    public async Task Answers_CarryAStrictContentPolicy()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        using var http = new HttpClient { BaseAddress = sidecar.Ops };

        foreach (var path in (string[])["/", "/status.js", "/status.css", "/status.json"])
        {
            using var answer = await http.GetAsync(path, Deadline);
            var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
            Assert.That(policy, Does.Contain("default-src 'none'").And.Contain("script-src 'self'")
                .And.Not.Contain("unsafe"), path);
            Assert.That(policy, Does.Contain("frame-ancestors 'none'"), path);
            Assert.That(answer.Headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"), path);
        }
    }

    [Test, Explicit("Writes the pictures of docs/observability.md.")]
    public async Task Screenshots()
    {
        var volume = Directory.CreateDirectory("/var/lib/glance-staging-picture"); // a picture shows its name
        try
        {
            await TakePicturesAsync(volume.FullName);
        }
        finally
        {
            volume.Delete(recursive: true);
        }
    }

    private static async Task TakePicturesAsync(string volume)
    {
        await using var cluster = await Cluster.StartAsync(
            2, pod => ["--Staging:Directory", Path.Combine(volume, Cluster.Name(pod))]);
        await using var browser = await Browser.StartAsync(Deadline);
        using var upload = await FillAsync(cluster);
        (string, int, int)[] pictures = [("status-page", 1100, 1080), ("status-page-phone", 360, 740)];
        foreach (var (name, width, height) in pictures)
        {
            var page = await browser.OpenAsync(cluster[0].Ops, width, height, Deadline);
            await page.UntilAsync("peers", text => text.Contains("glance-1", StringComparison.Ordinal));
            var file = Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "..", "docs", name + ".png");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, await page.ScreenshotAsync(), Deadline);
        }
    }

    /// <summary>
    /// A staged image with an import, a refusal whose text is markup, and an upload that is a quarter done.
    /// </summary>
    private static async Task<StageStream> FillAsync(Cluster cluster)
    {
        var id = NewId();
        await StageAsync(cluster[0], id, Content(1 << 20));
        await RunAsync(cluster[0], new RunImportRequest { ImageId = id, Stages = { "image_decompression" } });
        var refused = new GetImageRequest { ImageId = Markup };
        await Assert.ThatAsync(async () => await cluster[0].Staging.GetImageAsync(refused), Throws.InstanceOf<RpcException>());
        var upload = new StageStream(cluster[0].Uploads, Deadline);
        var header = new StageHeader { ImageId = NewId(), DeclaredSize = Size, ProjectId = "demo-project" };
        await upload.SendAsync(new StageRequest { Header = header });
        await upload.ContentAsync(Content(Size / 4));
        await ReceivedAsync(cluster[0], header.ImageId, Size / 4);
        return upload;
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
