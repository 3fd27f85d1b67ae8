using NUnit.Framework;
using Stagectl.Ingest;

namespace Stagectl.Tests.Ingest;

internal sealed class IngestAddressTests
{
    [TestCase("https://images.example", "images.example", "/v2/images/x", "https://images.example")]
    [TestCase("https://images.example:9292/", "images.example:9292", "/v2/images/x", "https://images.example:9292")]
    [TestCase("https://images.example/image/v2/", "images.example", "/image/v2/images/x", "https://images.example/image")]
    [TestCase("http://[::1]:9292", "[::1]:9292", "/v2/images/x", "http://[::1]:9292")]
    public void Address_AsCatalogsHaveIt_IsTheBaseOfTheApi(string text, string authority, string path, string shown)
    {
        Assert.That(IngestAddress.TryParse(text, out var address), Is.True);
        Assert.That((address!.Authority, address.PathOf("x"), $"{address}"), Is.EqualTo((authority, path, shown)));
    }

    [TestCase("http://localhost:9292", true)]
    [TestCase("http://127.1.2.3", true)]
    [TestCase("http://[::1]", true)]
    [TestCase("http://10.0.0.1", false)]
    [TestCase("http://localhost.example", false)]
    public void Address_OfThisMachine_IsTold(string text, bool isLoopback)
    {
        Assert.That(IngestAddress.TryParse(text, out var address), Is.True);
        Assert.That(address!.IsLoopback, Is.EqualTo(isLoopback));
    }

    [TestCase("images.example")]
    [TestCase("unix:/s")]
    [TestCase("https://images.example?x=1")]
    [TestCase("https://me@images.example")]
    [TestCase("")]
    public void Text_ThatIsNoAddress_IsRefused(string text) =>
        Assert.That(IngestAddress.TryParse(text, out _), Is.False);
}
