using Glance.Tests.Harness.Servers;
using NUnit.Framework;

namespace Glance.Tests.Harness;

/// <summary>Waits for what only shows by asking.</summary>
internal static class Until
{
    // What Glance alone does not do within seconds, it never does.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(SiteOptions.Chosen.WithSidecar ? 90 : 15);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks until the answer is right; fails, with the last answer, when that takes too long.</summary>
    public static async Task<T> RightAsync<T>(Func<Task<T>> ask, Func<T, bool> isRight, TimeSpan? patience = null)
    {
        var last = DateTime.UtcNow + (patience ?? Limit);
        while (true)
        {
            var answer = await ask();
            if (isRight(answer)) return answer;
            if (DateTime.UtcNow > last) throw new AssertionException($"It stayed as it was: {Text(answer)}");
            await Task.Delay(Pause);
        }
    }

    public static Task TrueAsync(Func<bool> condition, TimeSpan? patience = null) =>
        RightAsync(() => Task.FromResult(condition()), isTrue => isTrue, patience);

    private static string Text<T>(T answer) =>
        answer is System.Collections.IEnumerable list and not string ? string.Join("; ", list.Cast<object>()) : $"{answer}";
}
