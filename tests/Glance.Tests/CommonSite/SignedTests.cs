using System.Net;
using Glance.Tests.Harness;
using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.CommonSite;

/// <summary>Signed images: staged on one pod, imported through it or another, with certificates from a directory.</summary>
internal sealed class SignedTests : CommonSiteTest
{
    private const int MiB = 1 << 20;
    private const string VerifiedWith = "img_signature_verified_with";

    [Test]
    public async Task Qcow2_ImportedThrough_IsRawInTheStoreAndBearsNoSignatureThatIsWrong([Values(0, 1)] int pod)
    {
        var disk = Disk.Create(Site, 4 * MiB);
        var (signer, packed) = (NewSigner("ECC_SECT571K1"), await disk.AsAsync("qcow2"));
        var id = await SignedAsync("qcow2", packed, signer.Properties(packed, "SHA-224"));

        var image = await ImportedAsync(pod, id);

        Assert.That((image.DiskFormat, image.Text(VerifiedWith)), Is.EqualTo(("raw", signer.CertificateUuid)));
        Assert.That(signer.Properties(packed).Keys.Select(image.Text), Has.All.Null);
        await AssertBytesAsync(2, id, disk.Raw);
        using var admin = Site.At(2, Harness.Api.ImageApi.Admin);
        AssertStatus(await admin.CopyAsync(id, Site.Slow), HttpStatusCode.Accepted);
        await admin.UntilAsync(id, copied => copied.Stores.Contains(Site.Slow));
    }

    [Test]
    public async Task Raw_IsVerifiedByGlanceAsWell_AndKeepsItsSignature()
    {
        var (signer, bytes) = (NewSigner(), Noise(MiB));
        var properties = signer.Properties(bytes);
        var id = await SignedAsync("raw", bytes, properties);

        var image = await ImportedAsync(1, id);

        Assert.That(properties.Select(property => image.Text(property.Key)), Is.EqualTo(properties.Values));
        await AssertBytesAsync(0, id, bytes);
    }

    [Test]
    public async Task SignatureOfOtherBytes_IsRefusedByItsImport_AsOftenAsItIsTried()
    {
        var bytes = await Disk.Create(Site, MiB).AsAsync("qcow2");
        var id = await SignedAsync("qcow2", bytes, NewSigner().Properties([.. bytes, 0]));
        using var user = Site.At(1);
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);

            Assert.That(await FailureAsync(1, id), Does.Contain("SIGNATURE_INVALID"));
            await EndedAsync(1, id, "queued");
            AssertStatus(await user.StageAsync(id, bytes), HttpStatusCode.NoContent);
        }

        await DeleteAsync(0, id);
    }

    [Test]
    public async Task CertificateThatIsGone_KeepsTheBytes_UntilItIsBack()
    {
        var disk = Disk.Create(Site, MiB);
        var (signer, packed) = (NewSigner(), await disk.AsAsync("qcow2"));
        var id = await SignedAsync("qcow2", packed, signer.Properties(packed));
        File.Delete(FileOf(signer));
        using var user = Site.At(1);

        AssertStatus(await user.ImportAsync(id), HttpStatusCode.Accepted);

        Assert.That(await FailureAsync(1, id), Does.Contain("CERTIFICATE_UNAVAILABLE"));
        await EndedAsync(1, id, "uploading");
        Publish(signer);
        await ImportedAsync(1, id);
        await AssertBytesAsync(0, id, disk.Raw);
    }

    private ImageSigner NewSigner(string keyType = "RSA-PSS")
    {
        var signer = new ImageSigner(Site.Scratch("signers"), keyType);
        Publish(signer);
        return signer;
    }

    private void Publish(ImageSigner signer) => File.WriteAllBytes(FileOf(signer), signer.Certificate);

    private string FileOf(ImageSigner signer) => Path.Combine(Site.Certificates, signer.CertificateUuid + ".pem");

    private async Task<string> SignedAsync(string diskFormat, byte[] bytes, IReadOnlyDictionary<string, string> properties)
    {
        using var user = Site.At(0);
        var id = await user.CreateAsync(diskFormat, properties: properties);
        AssertStatus(await user.StageAsync(id, bytes), HttpStatusCode.NoContent);
        return id;
    }
}
