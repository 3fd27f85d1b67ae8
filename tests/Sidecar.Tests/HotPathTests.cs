using System.Reflection;
using BenchmarkDotNet.Attributes;
using NUnit.Framework;
using Sidecar.HotPaths;

namespace Sidecar.Tests;

/// <summary>
/// What happens for every chunk allocates no more than it was given leave to. The operations and their budgets are those of
/// <c>eng/bench --hot-paths</c>. Alone, as an asynchronous operation allocates on other threads, too.
/// </summary>
[NonParallelizable]
[CancelAfter(60_000)]
internal sealed class HotPathTests
{
    private const int WarmUps = 50;
    private const int Operations = 50;

    // Other threads of this process allocate at times: the least that was seen is the operation's own.
    private const int Rounds = 5;

    private static IEnumerable<TestCaseData> Budgets =>
        from type in typeof(HotPath).Assembly.GetTypes()
        where type.IsSubclassOf(typeof(HotPath))
        from method in type.GetMethods()
        where method.IsDefined(typeof(BenchmarkAttribute))
        from arguments in ArgumentsOf(method)
        select new TestCaseData(type, method, arguments)
            .SetArgDisplayNames([type.Name, method.Name, .. arguments.Select(argument => $"{argument}")]);

    [TestCaseSource(nameof(Budgets))]
    public async Task Operation_OnceWarm_AllocatesNoMoreThanItsBudget(Type type, MethodInfo method, object[] arguments)
    {
        var budget = method.GetCustomAttribute<BudgetAttribute>();
        Assert.That(budget, Is.Not.Null, "it has a budget");
        using var path = (HotPath)Activator.CreateInstance(type)!;
        var allocated = method.ReturnType == typeof(void)
            ? Measure(ToAction(path, method, arguments))
            : await MeasureAsync(method.CreateDelegate<Func<Task<bool>>>(path));

        Assert.That(allocated, Is.LessThanOrEqualTo(budget!.Bytes + AddedByDebugBuild(budget)), "bytes of one operation");
    }

    private static object?[][] ArgumentsOf(MethodInfo method) =>
        [.. method.GetCustomAttributes<ArgumentsAttribute>().Select(each => each.Values).DefaultIfEmpty([])];

    private static Action ToAction(HotPath path, MethodInfo method, object[] arguments)
    {
        if (arguments is not [int number]) return method.CreateDelegate<Action>(path);
        var operation = method.CreateDelegate<Action<int>>(path);
        return () => operation(number);
    }

    private static long Measure(Action operation)
    {
        for (var i = 0; i < WarmUps; i++) operation();
        return Enumerable.Range(0, Rounds).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Operations; i++) operation();
            return (GC.GetAllocatedBytesForCurrentThread() - before) / Operations;
        });
    }

    private static async Task<long> MeasureAsync(Func<Task<bool>> operation)
    {
        for (var i = 0; i < WarmUps; i++) await operation();
        var least = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Operations; i++) await operation();
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / Operations);
        }

        return least;
    }

    private static long AddedByDebugBuild(BudgetAttribute budget)
    {
#if DEBUG
        return budget.BytesOfDebugBuild;
#else
        return 0;
#endif
    }
}
