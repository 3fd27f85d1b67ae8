using Sidecar.Import.Hashing;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;

namespace Sidecar.Import.Stages;

/// <summary>
/// The digests of the output that are asked for, in one pass over the file. What was computed while the image was uploaded, or
/// by a stage that read all of it, is not computed again; and what is made only on its way to a store is digested there.
/// </summary>
internal sealed class ChecksumStage(FileDigests files) : ImportStage
{
    public const string StageName = "image_checksum";

    public override string Name => StageName;

    public override Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken) => Task.FromResult(
        work.DeferredSize is not null
            ? StagePlan.Skip
            : new StagePlan(true, 0, work.WantedDigests.All(work.CurrentDigests.ContainsKey) ? 0 : work.CurrentLength));

    public override async Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        var digests = new Dictionary<string, RunningDigest>();
        try
        {
            foreach (var algorithm in work.WantedDigests)
            {
                if (work.CurrentDigests.TryGetValue(algorithm, out var known))
                {
                    work.Digests[algorithm] = known;
                }
                else
                {
                    digests[algorithm] = DigestAlgorithms.Start(algorithm);
                }
            }

            if (digests.Count > 0) await files.ReadAsync(work.CurrentPath, [.. digests.Values], run.Report, cancellationToken);
            run.Report(run.Plan.InputBytes);
            foreach (var (algorithm, digest) in digests)
            {
                work.Digests[algorithm] = Convert.ToHexStringLower(digest.Finish());
            }
        }
        finally
        {
            foreach (var digest in digests.Values) digest.Dispose();
        }
    }
}
