using System.Net;
using System.Net.Http.Headers;
using NUnit.Framework;
using Sidecar.Downloads.Core;
using Sidecar.Downloads.Fetching;
using Sidecar.Downloads.Servers;

namespace Sidecar.Tests.Downloads;

/// <summary>How long a download waits before it is tried again.</summary>
internal sealed class RetriesTests
{
    private readonly Retries _retries = new(new DownloadsOptions { RetryDelay = TimeSpan.FromSeconds(2) });

    [TestCase(429, 7, ExpectedResult = 7)]
    [TestCase(503, 7, ExpectedResult = 7)]
    [TestCase(503, 1, ExpectedResult = 2, TestName = "Not less than without")]
    [TestCase(503, 3600, ExpectedResult = 30, TestName = "Not more than the longest")]
    [TestCase(500, 7, ExpectedResult = 2, TestName = "Of other statuses it means nothing")]
    public double Wait_OfABusyServer_IsWhatItSays(int status, int seconds) =>
        After(status, new RetryConditionHeaderValue(TimeSpan.FromSeconds(seconds)));

    [TestCase(9, ExpectedResult = 9)]
    [TestCase(-9, ExpectedResult = 2)]
    public double Wait_UntilADate_IsByTheServersClock(int seconds)
    {
        var now = new DateTimeOffset(2001, 2, 3, 4, 5, 6, TimeSpan.Zero);
        return After(503, new RetryConditionHeaderValue(now.AddSeconds(seconds)), now);
    }

    [Test]
    public void Wait_AfterAServerThatSaysNothing_Grows()
    {
        After(503, new RetryConditionHeaderValue(TimeSpan.FromSeconds(20)));

        Assert.That((After(503, null), After(503, null)), Is.EqualTo((4.0, 8.0)));
    }

    private double After(int status, RetryConditionHeaderValue? retryAfter, DateTimeOffset? date = null)
    {
        using var answer = new HttpResponseMessage((HttpStatusCode)status);
        answer.Headers.RetryAfter = retryAfter;
        answer.Headers.Date = date;
        Assert.That(_retries.Allow(Answers.Refusal(answer, new Uri("https://images.example/x")), 0), Is.True);
        return _retries.Delay.TotalSeconds;
    }
}
