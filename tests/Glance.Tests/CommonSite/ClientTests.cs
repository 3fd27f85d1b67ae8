using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Glance.Tests.CommonSite;

/// <summary>
/// The official clients, through Glance and through the sidecar in front of it: glance uploads in chunks and declares no length,
/// openstack declares it.
/// </summary>
internal sealed class ClientTests : CommonSiteTest
{
    private const int MiB = 1 << 20;

    [TestCase(false)]
    [TestCase(true)]
    public async Task Create_ViaImport_EndsActive(bool isPastPython)
    {
        var address = AddressOf(isPastPython);
        var disk = Disk.Create(Site, 4 * MiB);
        var file = Path.Combine(Site.Scratch("client"), "disk.qcow2.gz");
        await File.WriteAllBytesAsync(file, Disk.Gzip(await disk.AsAsync("qcow2")));
        var id = Guid.NewGuid().ToString();

        await GlanceAsync(
            address, "image-create-via-import", "--id", id, "--name", "client", "--disk-format", "qcow2",
            "--container-format", "bare", "--import-method", "glance-direct", "--file", file);

        await ActiveAsync(0, id);
        var read = Path.Combine(Site.Scratch("client"), "read.raw");
        await GlanceAsync(address, "image-download", id, "--file", read);
        Assert.That(await File.ReadAllBytesAsync(read), SameBytes.As(disk.Raw));
        await GlanceAsync(address, "image-delete", id);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Stage_ThenImport_IntoBothStores(bool isPastPython)
    {
        var address = AddressOf(isPastPython);
        var bytes = Noise(3 * MiB);
        var file = Path.Combine(Site.Scratch("client"), "disk.raw");
        await File.WriteAllBytesAsync(file, bytes);
        var id = Guid.NewGuid().ToString();

        await GlanceAsync(address, "image-create", "--id", id, "--disk-format", "raw", "--container-format", "bare");
        await GlanceAsync(address, "image-stage", id, "--file", file);
        await GlanceAsync(address, "image-import", id, "--import-method", "glance-direct", "--all-stores", "True");

        using var user = Site.Anywhere();
        await user.UntilAsync(id, image => image.Stores.Length == 2);
        await AssertBytesAsync(1, id, bytes);
    }

    [Test]
    public async Task Openstack_CreatesByImport_PastPython()
    {
        var disk = Disk.Create(Site, 4 * MiB);
        var file = Path.Combine(Site.Scratch("client"), "disk.qcow2");
        await File.WriteAllBytesAsync(file, await disk.AsAsync("qcow2"));
        await using var identity = await IdentityServer.StartAsync(Site.Door(0));
        var id = Guid.NewGuid().ToString();
        var before = await StagedAsync();

        await Command.RunAsync(
            ["openstack", "image", "create", "--id", id, "--import", "--file", file, "--disk-format", "qcow2", "client"],
            ("OS_AUTH_URL", identity.Address.ToString()), ("OS_IDENTITY_API_VERSION", "3"), ("OS_USERNAME", "ann"), ("OS_PASSWORD", "secret"),
            ("OS_PROJECT_NAME", "acme"), ("OS_USER_DOMAIN_ID", "default"), ("OS_PROJECT_DOMAIN_ID", "default"));

        Assert.That(await StagedAsync(), Is.EqualTo(before + 1));
        await ActiveAsync(0, id);
        await AssertBytesAsync(1, id, disk.Raw);
    }

    private Uri AddressOf(bool isPastPython) => isPastPython ? Site.Door(0) : Site.Balancer.Address;

    private Task<double> StagedAsync() =>
        MetricsPage.ReadAsync(Site.Sidecars[0], "glance_staging_ingest_requests_total{outcome=\"staged\"}", Deadline);

    // It keeps the API's schemas at home, and then stumbles over the property "stores" in them; and it takes an image
    // from its standard input whenever that is no terminal.
    private Task<string> GlanceAsync(Uri address, params string[] arguments) => Command.RunAsync(
        ["script", "--quiet", "--return", "--command", string.Join(' ', (string[])
            ["glance --os-auth-token", ImageApi.Member, "--os-image-url", address.ToString(), .. arguments]),
        "/dev/null"],
        ("HOME", Site.Scratch(Path.GetRandomFileName())));
}
