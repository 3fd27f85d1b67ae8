using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Stages;

/// <summary>
/// Digests of the output, in one pass over the file: each algorithm runs on its own thread while the next block is
/// being read, as one alone is slower than the disk. What was computed while the image was uploaded is not computed
/// again.
/// </summary>
internal sealed class ChecksumStage(IOptions<ImportOptions> options, TimeProvider time) : ImportStage
{
    public const string StageName = "image_checksum";

    // Large against the cost of handing a block to the other threads, small against memory: two per import.
    private const int BlockBytes = 2 << 20;

    private readonly IReadOnlyList<string> _algorithms = options.Value.ResolveDigests();

    private readonly TimeSpan _timeout = options.Value.DigestTimeout;

    public override string Name => StageName;

    public override Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken) =>
        Task.FromResult(new StagePlan(true, 0, work.CurrentLength));

    public override async Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        var hashes = new Dictionary<string, IncrementalHash>();
        try
        {
            foreach (var algorithm in _algorithms)
            {
                if (work.IsStagedFile && work.Image.Digests.TryGetValue(algorithm, out var known))
                {
                    work.Digests[algorithm] = known;
                }
                else
                {
                    hashes[algorithm] = DigestAlgorithms.Start(algorithm);
                }
            }

            if (hashes.Count > 0) await ReadInTimeAsync(work.CurrentPath, [.. hashes.Values], run, cancellationToken);
            run.Report(run.Plan.InputBytes);
            foreach (var (algorithm, hash) in hashes)
            {
                work.Digests[algorithm] = Convert.ToHexStringLower(hash.GetHashAndReset());
            }
        }
        finally
        {
            foreach (var hash in hashes.Values) hash.Dispose();
        }
    }

    // A small image may stand for terabytes of holes, which take as long as data.
    private async Task ReadInTimeAsync(
        string path, IncrementalHash[] hashes, StageRun run, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(_timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await ReadThroughAsync(path, hashes, run, either.Token);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ImportException(
                ImportError.TimedOut,
                $"The digests of the output took longer than {_timeout.TotalSeconds:F0} seconds, which is the limit "
                + "(Import:DigestTimeout).",
                late,
                ("limit_seconds", (long)_timeout.TotalSeconds));
        }
    }

    private static async Task ReadThroughAsync(
        string path, IncrementalHash[] hashes, StageRun run, CancellationToken cancellationToken)
    {
        using var file = RegularFile.OpenToRead(path);
        byte[] block = new byte[BlockBytes], next = new byte[BlockBytes];
        var offset = 0L;
        var count = await RandomAccess.ReadAsync(file, block, 0, cancellationToken);
        while (count > 0)
        {
            var (bytes, length) = (block, count);
            var hashing = hashes.Select(hash => Task.Run(() => hash.AppendData(bytes, 0, length), cancellationToken));
            var digested = Task.WhenAll(hashing);
            offset += count;
            try
            {
                count = await RandomAccess.ReadAsync(file, next, offset, cancellationToken);
            }
            finally
            {
                // Nobody may dispose a digest under the thread that computes it.
                await digested.WaitAsync(CancellationToken.None);
            }

            run.Report(offset);
            (block, next) = (next, block);
        }
    }
}
