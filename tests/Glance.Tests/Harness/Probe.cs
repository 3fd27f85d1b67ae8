namespace Glance.Tests.Harness;

/// <summary>Whether somebody serves images at an address.</summary>
internal static class Probe
{
    // Three Pythons that start at once on a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <param name="runs">Whether its process is still there; when not, waiting is no use.</param>
    public static async Task AnswersAsync(Uri address, Func<bool> runs)
    {
        using var client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };
        await Until.RightAsync(() => AsksAsync(client), answered => answered || !runs(), Limit);
        if (!runs()) throw new InvalidOperationException($"The server at {address} ended.");
    }

    private static async Task<bool> AsksAsync(HttpClient client)
    {
        try
        {
            using var answer = await client.GetAsync("/healthcheck");
            return answer.IsSuccessStatusCode;
        }
        catch (Exception notYet) when (notYet is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }
}
