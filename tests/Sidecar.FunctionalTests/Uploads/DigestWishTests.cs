using System.IO.Compression;
using System.Security.Cryptography;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Uploads;

/// <summary>What an import will want is computed while the image is uploaded, and not read for again.</summary>
internal sealed class DigestWishTests : SidecarTest
{
    private const int Bytes = 3_000_000;

    // As claimed: disk format, container format, whether it is packed; and what the digests are that imports make.
    private static readonly object[] Claims =
    [
        new object[] { "raw", "", false, true },
        new object[] { "raw", "bare", false, true },
        new object[] { "raw", "bare", true, false }, // an import unpacks it
        new object[] { "raw", "docker", true, true }, // which nobody looks into
        new object[] { "qcow2", "docker", false, true },
        new object[] { "ari", "ari", true, true },
        new object[] { "ami", "", true, true },
        new object[] { "", "", false, false }, // it may be anything
    ];

    [TestCaseSource(nameof(Claims))]
    public async Task Stage_AsAnImportWillTakeIt_HasItsDigests(string disk, string container, bool isPacked, bool hasDigests)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var content = isPacked ? Packed() : Content(Bytes);

        var image = await StageAsync(sidecar, new StageHeader { ImageId = NewId(), DiskFormat = disk, ContainerFormat = container }, content);

        Assert.That(image.Digests.Keys, Is.EquivalentTo(hasDigests ? ["crc32c", "md5", "sha512"] : (string[])["crc32c"]));
        if (hasDigests) Assert.That(image.Digests["md5"], Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(content))));
    }

    [Test]
    public async Task Import_OfAnUpload_ReadsNothingForItsDigests([Values] bool isAdopted)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (id, content) = (NewId(), Content(Bytes));
        if (isAdopted) await AdoptAsync(sidecar, directory, id, content);
        else await StageAsync(sidecar, new StageHeader { ImageId = id, DiskFormat = "raw" }, content);
        Damage(directory, id);

        var request = new RunImportRequest { ImageId = id, DiskFormat = "raw" };
        var events = await sidecar.Imports.RunImport(request, cancellationToken: Deadline).ResponseStream.ReadAllAsync(Deadline).ToListAsync(Deadline);

        // Whoever read the file now would have the digest of other bytes.
        var result = events[^1].Import.Result;
        Assert.That(result.Digests["md5"], Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(content))));
        Assert.That(result.Digests["sha512"], Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(content))));
    }

    [TestCase("SHA-224", "sha224")]
    [TestCase("SHA-256", "sha256")]
    [TestCase("SHA-384", "sha384")]
    [TestCase("SHA-512", "sha512")]
    public async Task Import_OfASignedUpload_ReadsNothingForItsSignature(string method, string digest)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var (id, content, signer) = (NewId(), Content(Bytes), new ImageSigner(directory.Path));
        var header = new StageHeader { ImageId = id, DiskFormat = "raw", Digests = new DigestWishes { OfUpload = { digest } } };
        var image = await StageAsync(sidecar, header, content);
        Assert.That(image.Digests.Keys, Is.EquivalentTo(["crc32c", digest]), "these and no others");
        Damage(directory, id);

        var request = new RunImportRequest
        {
            ImageId = id, DiskFormat = "raw", WithoutDigests = true,
            Signature = new ImageSignature
            {
                Signature = signer.Sign(content, method), HashMethod = method, KeyType = signer.KeyType,
                CertificateUuid = signer.CertificateUuid, Certificate = ByteString.CopyFrom(signer.Certificate),
            },
        };
        var events = await sidecar.Imports.RunImport(request, cancellationToken: Deadline).ResponseStream.ReadAllAsync(Deadline).ToListAsync(Deadline);

        Assert.That(events[^1].Import.Result.Signature, Is.EqualTo(SignatureOutcome.OfOutput));
    }

    [TestCase(false, "crc32c,sha1,sha256")]
    [TestCase(true, "crc32c,sha256")]
    public async Task Stage_WithWishes_HasThoseOfTheOutputUnlessItIsPacked(bool isPacked, string digests)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        // As of a download, which is held to no format before its import.
        var wishes = new DigestWishes { OfUpload = { "sha256" }, OfOutput = { "sha1" }, DiskFormat = "raw" };

        var image = await StageAsync(
            sidecar, new StageHeader { ImageId = NewId(), Digests = wishes }, isPacked ? Packed() : Content(Bytes));

        Assert.That(string.Join(',', image.Digests.Keys.Order()), Is.EqualTo(digests));
    }

    [Test]
    public async Task Stage_ResumedAfterAKill_HasTheWishesOfItsBeginning()
    {
        using var directory = TestDirectory.Create();
        var (id, content) = (NewId(), Content(Bytes));
        ulong offset;
        await using (var sidecar = await SidecarInstance.StartAsync(directory.Path))
        {
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            var header = new StageHeader { ImageId = id, DiskFormat = "raw", Digests = new DigestWishes { OfOutput = { "sha256" } } };
            await stage.SendAsync(new StageRequest { Header = header });
            await stage.ContentAsync(content.AsMemory(0, Bytes / 2));
            offset = (await ReceivedAsync(sidecar, id, Bytes / 2)).ReceivedOffset;
            sidecar.Signal("KILL");
            await sidecar.ExitAsync();
        }

        await using var restarted = await SidecarInstance.StartAsync(directory.Path);
        using var rest = new StageStream(restarted.Uploads, Deadline);
        await rest.HeaderAsync(id, resumeOffset: offset);
        await rest.ContentAsync(content.AsMemory((int)offset));
        var image = await rest.FinishAsync(Bytes);

        Assert.That(image.Digests["sha256"], Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(content))));
    }

    [Test]
    public async Task Stage_WithMoreHolesThanAnybodyWaitsFor_IsCommittedWithoutThem([Values] bool isAdopted)
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        const ulong size = 1UL << 40; // an hour of digesting
        var id = NewId();
        StagedImage image;
        if (isAdopted)
        {
            var path = directory["staging/hole"];
            await using (var file = File.Create(path)) file.SetLength((long)size);
            image = await sidecar.Staging.AdoptFileAsync(
                new AdoptFileRequest { ImageId = id, Path = path, DiskFormat = "raw" }, cancellationToken: Deadline);
        }
        else
        {
            using var stage = new StageStream(sidecar.Uploads, Deadline);
            await stage.SendAsync(new StageRequest { Header = new StageHeader { ImageId = id, DiskFormat = "raw" } });
            await stage.SendAsync(new StageRequest { Chunk = new StageChunk { Zeros = size } });
            image = await stage.FinishAsync(size);
        }

        Assert.That((image.Size, image.Digests.Keys.Single()), Is.EqualTo((size, "crc32c")));
    }

    [Test]
    public async Task Stage_WithAWishThatNobodyCanFulfil_IsRefused()
    {
        using var directory = TestDirectory.Create();
        await using var sidecar = await SidecarInstance.StartAsync(directory.Path);
        var header = new StageHeader { ImageId = NewId(), Digests = new DigestWishes { OfOutput = { "md4" } } };

        var refusal = await Assert.ThrowsAsync<RpcException>(() => StageAsync(sidecar, header, Content(10)));

        var facts = AssertRefused(refusal, StatusCode.InvalidArgument, "INVALID_REQUEST");
        Assert.That(facts["field"], Is.EqualTo("digests"));
        Assert.That(refusal!.Status.Detail, Does.Contain("md5, sha1, sha256, sha512"));
    }

    private static async Task<StagedImage> StageAsync(SidecarInstance sidecar, StageHeader header, byte[] content)
    {
        using var stage = new StageStream(sidecar.Uploads, Deadline);
        await stage.SendAsync(new StageRequest { Header = header });
        await stage.ContentAsync(content);
        return await stage.FinishAsync((ulong)content.Length);
    }

    private static async Task AdoptAsync(SidecarInstance sidecar, TestDirectory directory, string id, byte[] content)
    {
        var path = directory["staging/written"];
        await File.WriteAllBytesAsync(path, content);
        await sidecar.Staging.AdoptFileAsync(new AdoptFileRequest { ImageId = id, Path = path, DiskFormat = "raw" }, cancellationToken: Deadline);
    }

    // Behind what the inspection looks at.
    private static void Damage(TestDirectory directory, string id)
    {
        using var file = new FileStream(directory[$"staging/{id}"], FileMode.Open, FileAccess.Write);
        file.Position = Bytes - 1000;
        file.WriteByte((byte)~Content(Bytes)[Bytes - 1000]);
    }

    private static byte[] Packed()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(Content(Bytes));
        return packed.ToArray();
    }
}
