using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Clusters;

/// <summary>A call that fetches an output, and what is left of it when its caller can be told nothing any more.</summary>
internal sealed class OutputFetcherTests : SidecarTest
{
    private const int Mebibyte = 1 << 20;

    [Test]
    public async Task CallerWhoCannotBeTold_EndsTheCall_AndTheFetchThatHasNotBegunNeverDoes()
    {
        var disk = Content(3 * Mebibyte);
        await using var owner = await LyingOwner.StartAsync(LyingOwner.Lie.None, disk);
        await using var receiver = new Receiver(owner.Address, TimeSpan.FromMinutes(1));
        var (held, wanted) = (Import(disk), Import(disk));
        // Begins and removals have turns: the removal of a transfer that is held has it until the gate opens.
        var gate = new TransferGate(Mebibyte, Deadline);
        var transfer = receiver.Outputs.FetchAsync(receiver.Owner, held, gate.Progress, Deadline);
        await gate.Reached;
        var removal = receiver.Outputs.RemoveAsync(Guid.Parse(held.ImportId));

        var broken = await Assert.ThrowsAsync<IOException>(
            () => receiver.Fetcher.RunAsync(receiver.Owner, wanted, new BrokenStream(), Deadline));

        Assert.That(broken!.Message, Is.EqualTo(BrokenStream.Reason));
        gate.Open();
        await removal;
        await Assert.ThatAsync(() => transfer, Throws.Exception);
        // Who waits for a turn gets it in order: had the fetch waited on, it would have begun before this one.
        var last = Import(disk);
        await receiver.Outputs.FetchAsync(receiver.Owner, last, null, Deadline);
        Assert.That(receiver.Outputs.Records.Select(record => $"{record.ImportId}"), Is.EqualTo(new[] { last.ImportId }));
    }

    private static Glance.Sidecar.V1.Import Import(byte[] disk) => FetchedOutputsTests.Succeeded(NewId(), NewId(), disk.Length);

    /// <summary>The way to a caller, as it is when the connection has broken.</summary>
    private sealed class BrokenStream : IServerStreamWriter<ImportEvent>
    {
        public const string Reason = "The request stream was aborted.";

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(ImportEvent message) => Task.FromException(new IOException(Reason));

        public Task WriteAsync(ImportEvent message, CancellationToken cancellationToken) => WriteAsync(message);
    }
}
