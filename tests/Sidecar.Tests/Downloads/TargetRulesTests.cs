using System.Net;
using NUnit.Framework;
using Sidecar.Downloads.Core;

namespace Sidecar.Tests.Downloads;

/// <summary>Glance's filter of URLs, and of the addresses behind them.</summary>
internal sealed class TargetRulesTests
{
    [TestCase("10.1.2.3", ExpectedResult = false)]
    [TestCase("::ffff:10.1.2.3", ExpectedResult = false)]
    [TestCase("64:ff9b::10.1.2.3", ExpectedResult = false)]
    [TestCase("2001:db8::5", ExpectedResult = false)]
    [TestCase("10.1.2.4", ExpectedResult = true)]
    [TestCase("2001:db8::6", ExpectedResult = true)]
    public bool Address_OfANameBehindADisallowedAddress_IsNotAllowed(string address) =>
        Rules(disallowedHosts: ["10.1.2.3", "[2001:DB8:0::5]"]).IsAllowed("images.example.org", IPAddress.Parse(address));

    [TestCase("127.0.0.1")]
    [TestCase("127.9.9.9")]
    [TestCase("0.0.0.0")]
    [TestCase("0.1.2.3")]
    [TestCase("169.254.169.254")]
    [TestCase("255.255.255.255")]
    [TestCase("::")]
    [TestCase("::1")]
    [TestCase("::ffff:127.0.0.1")]
    [TestCase("64:ff9b::127.0.0.1")]
    [TestCase("fe80::1%1")]
    public void Address_OfThePodOrItsLink_IsAllowedForNamedHostsOnly(string address)
    {
        Assert.That(Rules().IsAllowed("images.example.org", IPAddress.Parse(address)), Is.False);
        Assert.That(Rules(allowedHosts: ["Images.example.org"]).IsAllowed("images.example.org.", IPAddress.Parse(address)), Is.True);
        Assert.That(Rules(allowedHosts: ["other.example.org"]).IsAllowed("images.example.org", IPAddress.Parse(address)), Is.False);
    }

    [TestCase("http://a.example.org/", ExpectedResult = true)]
    [TestCase("http://A.example.ORG./", ExpectedResult = true)]
    [TestCase("http://b.example.org/", ExpectedResult = false)]
    [TestCase("https://a.example.org/", ExpectedResult = false)]
    [TestCase("http://a.example.org:8080/", ExpectedResult = true)]
    [TestCase("http://a.example.org:8081/", ExpectedResult = false)]
    [TestCase("http://user@a.example.org/", ExpectedResult = false)]
    public bool Url_IsHeldAgainstWhatIsAllowed(string url) =>
        Passes(Rules(allowedSchemes: ["http"], allowedHosts: ["a.example.org"], disallowedHosts: ["a.example.org"], allowedPorts: [8080]), url);

    [TestCase("http://a.example.org/", ExpectedResult = false)]
    [TestCase("http://b.example.org/", ExpectedResult = true)]
    [TestCase("https://b.example.org/", ExpectedResult = false)]
    [TestCase("http://b.example.org:8080/", ExpectedResult = false)]
    [TestCase("http://[::ffff:10.0.0.1]/", ExpectedResult = false)]
    [TestCase("http://167772161/", ExpectedResult = false)]
    public bool Url_IsHeldAgainstWhatIsNotAllowed(string url) =>
        Passes(Rules(disallowedSchemes: ["https"], disallowedHosts: ["a.example.org", "10.0.0.1"], disallowedPorts: [8080]), url);

    private static bool Passes(TargetRules rules, string url)
    {
        try
        {
            rules.Check(TargetRules.Parse(url));
            return true;
        }
        catch (DownloadException refusal) when (refusal.Error == DownloadError.UrlForbidden)
        {
            return false;
        }
    }

    private static TargetRules Rules(
        string[]? allowedSchemes = null, string[]? disallowedSchemes = null, string[]? allowedHosts = null, string[]? disallowedHosts = null,
        int[]? allowedPorts = null, int[]? disallowedPorts = null) => new(
        allowedSchemes ?? [], disallowedSchemes ?? [], allowedHosts ?? [], disallowedHosts ?? [], allowedPorts ?? [], disallowedPorts ?? []);
}
