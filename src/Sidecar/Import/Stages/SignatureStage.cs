using Sidecar.Import.Core;
using Sidecar.Import.Hashing;
using Sidecar.Import.Signatures;

namespace Sidecar.Import.Stages;

/// <summary>
/// Verifies the signature of an image over the bytes that were staged, which is what its owner signed; so it comes before
/// every stage that changes them. The certificate comes with the request. Where the hash was computed while the image was
/// uploaded, nothing is read again.
/// </summary>
internal sealed class SignatureStage(FileDigests files, TimeProvider time) : ImportStage
{
    public const string StageName = "image_signature_verification";

    public override string Name => StageName;

    public override Task<StagePlan> PlanAsync(ImportWork work, CancellationToken cancellationToken) =>
        Task.FromResult(work.Request.Signature is null ? StagePlan.Skip : new StagePlan(true, 0, work.CurrentLength));

    public override async Task RunAsync(ImportWork work, StageRun run, CancellationToken cancellationToken)
    {
        var signature = work.Request.Signature!;
        // The certificate first: no need to read a terabyte to find that it has expired.
        var key = SigningCertificate.ReadKey(signature, time.GetUtcNow());
        var hash = SignatureHash.Of(signature.HashMethod);
        var digest = await DigestAsync(work, hash, run, cancellationToken);
        if (!key.Signed(hash, digest, SignatureRules.Decode(signature)!)) throw Invalid(signature);
        work.IsSignatureVerified = true;
    }

    private async Task<byte[]> DigestAsync(
        ImportWork work, SignatureHash hash, StageRun run, CancellationToken cancellationToken)
    {
        if (work.CurrentDigests.TryGetValue(hash.StagedDigest, out var known))
        {
            run.Report(run.Plan.InputBytes);
            return Convert.FromHexString(known);
        }

        using var running = hash.Start();
        await files.ReadAsync(work.CurrentPath, [running], run.Report, cancellationToken);
        var digest = running.Finish();
        work.CurrentDigests[hash.StagedDigest] = Convert.ToHexStringLower(digest);
        return digest;
    }

    private static ImportException Invalid(ImageSignature signature) => new(
        ImportError.SignatureInvalid,
        $"The signature of the image is not one that the key of the certificate {signature.CertificateUuid} made over its bytes "
        + $"({signature.KeyType} with {signature.HashMethod}{Rule(signature)}): the bytes are others, or the signature is.",
        ("certificate_uuid", signature.CertificateUuid));

    private static string Rule(ImageSignature signature) =>
        signature.KeyType == SignatureKeyType.RsaPss.Name ? ", salt of maximal length" : "";
}
