using Glance.Tests.Harness;
using Glance.Tests.Harness.Api;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests;

/// <summary>The official client, which uploads in chunks and declares no length.</summary>
internal sealed class ClientTests : GlanceTest
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task Create_ViaImport_ThroughTheLoadBalancer_EndsActive()
    {
        var disk = Disk.Create(Site, 4 * MiB);
        var file = Path.Combine(Site.Scratch("client"), "disk.qcow2.gz");
        await File.WriteAllBytesAsync(file, Disk.Gzip(await disk.AsAsync("qcow2")));
        var id = Guid.NewGuid().ToString();

        await GlanceAsync(
            "image-create-via-import", "--id", id, "--name", "client", "--disk-format", "qcow2",
            "--container-format", "bare", "--import-method", "glance-direct", "--file", file);

        await ActiveAsync(0, id);
        var read = Path.Combine(Site.Scratch("client"), "read.raw");
        await GlanceAsync("image-download", id, "--file", read);
        Assert.That(await File.ReadAllBytesAsync(read), SameBytes.As(disk.Raw));
        await GlanceAsync("image-delete", id);
    }

    [Test]
    public async Task Stage_ThenImport_IntoBothStores()
    {
        var bytes = Noise(3 * MiB);
        var file = Path.Combine(Site.Scratch("client"), "disk.raw");
        await File.WriteAllBytesAsync(file, bytes);
        var id = Guid.NewGuid().ToString();

        await GlanceAsync("image-create", "--id", id, "--disk-format", "raw", "--container-format", "bare");
        await GlanceAsync("image-stage", id, "--file", file);
        await GlanceAsync("image-import", id, "--import-method", "glance-direct", "--all-stores", "True");

        using var user = Site.Anywhere();
        await user.UntilAsync(id, image => image.Stores.Length == 2);
        await AssertBytesAsync(1, id, bytes);
    }

    // It keeps the API's schemas at home, and then stumbles over the property "stores" in them; and it takes an image
    // from its standard input whenever that is no terminal.
    private Task<string> GlanceAsync(params string[] arguments) => Command.RunAsync(
        ["script", "--quiet", "--return", "--command", string.Join(' ', (string[])
            ["glance --os-auth-token", ImageApi.Member, "--os-image-url", Site.Balancer.Address.ToString(), .. arguments]),
        "/dev/null"],
        ("HOME", Site.Scratch(Path.GetRandomFileName())));
}
