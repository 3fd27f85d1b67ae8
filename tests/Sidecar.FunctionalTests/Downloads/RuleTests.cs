using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Downloads;

/// <summary>What a URL may lead to.</summary>
internal sealed class RuleTests : DownloadTest
{
    private static TestDirectory? _directory;
    private static SidecarInstance? _sidecar;

    private static SidecarInstance Daemon => _sidecar!;

    [OneTimeSetUp]
    public static async Task StartAsync()
    {
        _directory = TestDirectory.Create();
        _sidecar = await SidecarInstance.StartAsync(_directory.Path, Settings);
    }

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (_sidecar is not null) await _sidecar.DisposeAsync();
        _directory?.Dispose();
    }

    [Test]
    public async Task Redirect_ToAnAllowedUrl_IsFollowed()
    {
        var content = Content(1000);
        await using var server = await FileServer.StartAsync(call =>
        {
            if (call.Request.Path == "/there") return FileServer.SendAsync(call, content);
            call.Response.Redirect("/there");
            return Task.CompletedTask;
        });
        var id = NewId();

        await DownloadAsync(Daemon, id, server.Url);

        Assert.That(await ReadAsync(Daemon, id), SameBytes.As(content));
    }

    [Test]
    public async Task Redirect_ToItself_IsGivenUp()
    {
        await using var server = await FileServer.StartAsync(call =>
        {
            call.Response.Redirect("/image");
            return Task.CompletedTask;
        });

        await AssertFailsAsync(Daemon, Request(NewId(), server.Url), StatusCode.FailedPrecondition, "SOURCE_REFUSED");

        Assert.That(server.Paths, Has.Count.EqualTo(11));
    }

    [TestCase("http://localhost:{0}/there")]
    [TestCase("http://127.0.0.2:{0}/there")]
    [TestCase("http://user:password@127.0.0.1:{0}/there")]
    [TestCase("https://127.0.0.1:{0}/there")]
    public async Task Redirect_ToAForbiddenUrl_IsRefused(string target)
    {
        await using var server = await FileServer.StartAsync((self, call) =>
        {
            call.Response.Redirect(string.Format(System.Globalization.CultureInfo.InvariantCulture, target, self.Port));
            return Task.CompletedTask;
        });
        var request = Request(NewId(), server.Url);
        request.Rules.AllowedSchemes.Add("http");

        var facts = await AssertFailsAsync(Daemon, request, StatusCode.PermissionDenied, "URL_FORBIDDEN");

        Assert.That(server.Paths, Has.Count.EqualTo(1));
        Assert.That(facts.Values, Has.None.Contains("password"));
    }

    [Test]
    public async Task Redirect_ToAFile_IsRefused()
    {
        await using var server = await FileServer.StartAsync(call =>
        {
            call.Response.Redirect("file:///etc/passwd");
            return Task.CompletedTask;
        });

        await AssertFailsAsync(Daemon, Request(NewId(), server.Url), StatusCode.InvalidArgument, "URL_INVALID");
    }

    // Whatever its lists say, a pod's own ports are for the pod.
    [TestCase("localhost")]
    [TestCase("127.0.0.1")]
    [TestCase("127.1")]
    [TestCase("2130706433")]
    [TestCase("0.0.0.0")]
    [TestCase("[::1]")]
    [TestCase("[::ffff:127.0.0.1]")]
    [TestCase("169.254.169.254")]
    public async Task Host_ThatIsThePodItself_IsRefusedWithoutAConnection(string host)
    {
        await using var server = await FileServer.StartAsync(_ => Task.CompletedTask);
        var request = Request(NewId(), new Uri($"http://{host}:{server.Port}/image"));
        request.Rules.AllowedHosts.Clear();

        await AssertFailsAsync(Daemon, request, StatusCode.PermissionDenied, "URL_FORBIDDEN");

        Assert.That(server.Paths, Is.Empty);
    }

    [Test]
    public async Task Host_ThatIsAllowedByName_IsReachedWhateverItsAddress()
    {
        var content = Content(1000);
        await using var server = await FileServer.StartAsync(call => FileServer.SendAsync(call, content));
        var request = Request(NewId(), new Uri($"http://localhost:{server.Port}/image"));
        request.Rules.AllowedHosts.Add("LOCALHOST");

        Assert.That((await DownloadAsync(Daemon, request)).Size, Is.EqualTo(1000));
    }

    [Test]
    public async Task Port_ThatIsNotAllowed_IsRefused()
    {
        await using var server = await FileServer.StartAsync(_ => Task.CompletedTask);
        var request = Request(NewId(), server.Url);
        request.Rules.AllowedPorts.Add([80, 443]);

        await AssertFailsAsync(Daemon, request, StatusCode.PermissionDenied, "URL_FORBIDDEN");
    }

    [TestCase("ftp://127.0.0.1/image")]
    [TestCase("file:///etc/passwd")]
    [TestCase("image")]
    public async Task Url_OfAnotherScheme_IsRefused(string url) => await AssertFailsAsync(
        Daemon, new DownloadImageRequest { ImageId = NewId(), Url = url }, StatusCode.InvalidArgument, "URL_INVALID");
}
