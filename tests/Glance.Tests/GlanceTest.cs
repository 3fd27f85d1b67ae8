using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests;

/// <summary>What the tests share. After each of them everything runs, nothing is left over, and nothing broke.</summary>
[CancelAfter(240_000)]
internal abstract class GlanceTest
{
    private Leftovers? _leftovers;

    protected static CancellationToken Deadline => TestContext.CurrentContext.CancellationToken;

    protected Site Site { get; private set; } = null!;

    [SetUp]
    public async Task StartSiteAsync()
    {
        Site = await SiteAsync();
        _leftovers = new Leftovers(Site);
    }

    [TearDown]
    public async Task NothingIsLeftAsync()
    {
        if (_leftovers is null) return;
        await Site.RestoreAsync();
        // A test that failed has said enough.
        var failed = TestContext.CurrentContext.Result.FailCount > 0;
        try
        {
            if (!failed) await _leftovers.AssertNoneAsync();
        }
        catch (AssertionException)
        {
            failed = true;
            _leftovers.Explain();
            throw;
        }
        finally
        {
            if (failed) await _leftovers.RemoveAsync();
        }
    }

    /// <summary>The site that this fixture uses.</summary>
    protected abstract Task<Site> SiteAsync();

    protected static byte[] Noise(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>An image whose bytes are staged on a pod.</summary>
    protected async Task<string> StagedAsync(int pod, string diskFormat, byte[] bytes, string token = ImageApi.Member)
    {
        using var user = Site.At(pod, token);
        var id = await user.CreateAsync(diskFormat);
        AssertStatus(await user.StageAsync(id, bytes), HttpStatusCode.NoContent);
        return id;
    }

    /// <summary>Begins an upload through a pod; when it returns, half of it is sent and it waits.</summary>
    protected async Task<HalfUpload> HalfStagedAsync(ImageApi user, int pod, byte[] bytes)
    {
        var id = await user.CreateAsync("raw");
        var content = new StalledContent(bytes, bytes.Length / 2);
        var upload = new HalfUpload(id, content, user.StageAsync(id, content));
        await Site.ReceivedAsync(pod, id, bytes.Length / 4);
        return upload;
    }

    /// <summary>Imports through a pod and waits until the image is active.</summary>
    protected async Task<ImageRecord> ImportedAsync(int pod, string id, ImportTargets? targets = null)
    {
        using var user = Site.At(pod);
        AssertStatus(await user.ImportAsync(id, targets), HttpStatusCode.Accepted);
        return await ActiveAsync(pod, id);
    }

    protected async Task<ImageRecord> ActiveAsync(int pod, string id) => await EndedAsync(pod, id, "active");

    /// <summary>Waits until a task that ran for the image has ended, and the image is in this state.</summary>
    protected async Task<ImageRecord> EndedAsync(int pod, string id, string status)
    {
        // It is asked for as its project's administrator, who sees everybody's.
        using var user = Site.At(pod, ImageApi.Admin);
        try
        {
            return await user.UntilAsync(id, image => image.Status == status);
        }
        catch (AssertionException)
        {
            TestContext.Out.WriteLine($"Tasks: {string.Join("; ", await user.TasksAsync(id))}");
            throw;
        }
    }

    /// <summary>Waits until the newest task of the image has failed; answers its message.</summary>
    protected async Task<string> FailureAsync(int pod, string id)
    {
        using var user = Site.At(pod);
        var tasks = await Until.RightAsync(() => user.TasksAsync(id), tasks => tasks is [.., { Status: "failure" }]);
        return tasks[^1].Message;
    }

    protected async Task AssertBytesAsync(int pod, string id, byte[] expected)
    {
        using var user = Site.At(pod, ImageApi.Admin);
        Assert.That(await user.ReadAsync(id), SameBytes.As(expected));
    }

    protected async Task DeleteAsync(int pod, string id)
    {
        using var user = Site.At(pod);
        AssertStatus(await user.DeleteAsync(id), HttpStatusCode.NoContent);
    }

    protected static void AssertStatus(Answer answer, HttpStatusCode expected) =>
        Assert.That(answer.Status, Is.EqualTo(expected), answer.ToString());
}
