using System.Text.Json;
using Sidecar.Import.Disks;
using Sidecar.Stores.Core;
using Sidecar.Stores.Writers;
using Sidecar.Telemetry;

namespace Sidecar.Stores;

/// <summary>
/// The daemon's own program in another role, <c>glance-staging-sidecar store</c>: it does one <see cref="WriteJob"/> and ends.
/// A process of its own, as a store's client library ends its process when it finds a fault in itself, and takes memory
/// that it does not give back.
/// </summary>
internal static class StoreWriter
{
    public const string Role = WriteJob.Role;

    private const int Success = 0;
    private const int Failure = 1;

    private static readonly Lock Output = new();

    public static async Task<int> RunAsync()
    {
        try
        {
            var line = await Console.In.ReadLineAsync() ?? "";
            var job = JsonSerializer.Deserialize(line, WriteJson.Default.WriteJob)
                ?? throw new InvalidDataException("There is no job on standard input.");
            if (job.Others is { Count: > 0 })
            {
                var joint = new JointWrite(job, StoreWriters.Open, done => Tell(new WriteReport(done)));
                Tell(new WriteReport(Each: await joint.RunAsync(ToFailure)));
                return Success;
            }

            using var store = StoreWriters.Open(job);
            Tell(new WriteReport(Result: await new ImageWrite(job, store, done => Tell(new WriteReport(done))).RunAsync()));
            return Success;
        }
#pragma warning disable CA1031 // The last place of this process: whatever it was is told to the daemon.
        catch (Exception failure)
        {
            Tell(new WriteReport(Failure: ToFailure(failure)));
            return Failure;
        }
#pragma warning restore CA1031
    }

    private static WriteFailure ToFailure(Exception failure) => failure is PartLeftException left
        ? Describe(left.InnerException!) with { IsPartLeft = true } : Describe(failure);

    private static WriteFailure Describe(Exception failure) => failure switch
    {
        StoreException known => new(known.Error.Reason(), known.Message, known.Detail),
        NbdException disk => new("", "The disk in the image could not be read.", disk.Message) { DiskFault = disk.Fault.ToString() },
        DllNotFoundException missing => new(
            StoreError.StoreUnsupported.Reason(),
            "This container has no client library of the store: install librbd1 (Debian and Ubuntu) or librbd (CentOS).",
            missing.Message),
        FileNotFoundException gone => new(
            StoreError.StoreSourceGone.Reason(), "The image was removed while it was being written to the store.", gone.Message),
        _ => new(
            StoreError.StoreFailed.Reason(), "The image could not be written to the store; the sidecar's log says why.",
            failure.ToString()),
    };

    private static void Tell(WriteReport report)
    {
        var line = JsonSerializer.Serialize(report, WriteJson.Default.WriteReport);
        lock (Output)
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
    }
}
