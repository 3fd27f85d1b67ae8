using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using ImportMessage = Glance.Sidecar.V1.Import;

namespace Sidecar.FunctionalTests.Infrastructure;

/// <summary>What the tests of several pods share.</summary>
internal abstract class ClusterTest : SidecarTest
{
    private const int ImportSucceededEvent = 3001;

    protected static async Task<List<ImportMessage>> RunAsync(SidecarInstance pod, RunImportRequest request)
    {
        using var call = pod.Imports.RunImport(request, cancellationToken: Deadline);
        var events = new List<ImportMessage>();
        await foreach (var update in call.ResponseStream.ReadAllAsync(Deadline)) events.Add(update.Import);
        return events;
    }

    /// <summary>Asks again and again until the answer is right; the test's deadline ends it.</summary>
    protected static async Task<T> UntilAsync<T>(Func<Task<T>> ask, Func<T, bool> isRight)
    {
        while (true)
        {
            Deadline.ThrowIfCancellationRequested();
            var answer = await ask();
            if (isRight(answer)) return answer;
            await Cluster.BetweenLooks();
        }
    }

    protected static Task LoggedAsync(SidecarInstance pod, string text) => pod.LoggedAsync(text, Deadline);

    /// <summary>That the text is in so many lines and no more: the last of them may come a moment after the answer that it is about.</summary>
    protected static async Task LoggedAsync(SidecarInstance pod, string text, int times)
    {
        await pod.LoggedAsync(text, Deadline, times);
        Assert.That(Count(pod, text), Is.EqualTo(times), text);
    }

    protected static int Count(SidecarInstance pod, string text) =>
        pod.Log.Count(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>How often an import has succeeded, as these logs tell.</summary>
    public static int CountSuccesses(IEnumerable<string> log, string importId) => log.Count(line =>
        SidecarInstance.IsEvent(line, ImportSucceededEvent) && line.Contains(importId, StringComparison.Ordinal));

    /// <summary>Drains a pod and waits until it is done.</summary>
    protected static async Task<Drain> DrainAsync(SidecarInstance pod, TimeSpan grace)
    {
        using var drain = new DrainCallStream(pod, grace, Deadline);
        return await drain.EndAsync();
    }

    /// <summary>The images that a pod itself has.</summary>
    protected static async Task<List<string>> ImagesAsync(SidecarInstance pod)
    {
        using var call = pod.Staging.ListImages(new ListImagesRequest(), cancellationToken: Deadline);
        return await call.ResponseStream.ReadAllAsync(Deadline).Select(image => image.ImageId).ToListAsync(Deadline);
    }

    /// <summary>A sample of the pod's metrics, by name and labels as Prometheus sees them; 0 when there is none.</summary>
    protected static Task<double> MetricAsync(SidecarInstance pod, string sample) =>
        MetricsPage.ReadAsync(pod, sample, Deadline);
}
