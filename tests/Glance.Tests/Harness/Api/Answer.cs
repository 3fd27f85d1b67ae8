using System.Net;

namespace Glance.Tests.Harness.Api;

/// <summary>What Glance answered to a request that changes something.</summary>
/// <param name="Text">The body.</param>
/// <param name="RetryAfter">Of the header of that name.</param>
internal sealed record Answer(HttpStatusCode Status, string Text, TimeSpan? RetryAfter)
{
    public override string ToString() => $"{(int)Status} {Text}";
}
