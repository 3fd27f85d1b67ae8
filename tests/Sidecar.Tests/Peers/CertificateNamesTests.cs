using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NUnit.Framework;
using Sidecar.Peers.Trust;

namespace Sidecar.Tests.Peers;

internal sealed class CertificateNamesTests
{
    [TestCase("ff")]
    [TestCase("30058206ff")]
    [TestCase("3003860180")]
    public void Shown_OfNamesThatCannotBeRead_IsTheSubject(string extension)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Broken", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension("2.5.29.17", Convert.FromHexString(extension), false));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        Assert.That(CertificateNames.Shown(certificate), Is.EqualTo("CN=Broken"));
    }
}
