using System.Buffers;
using NUnit.Framework;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Uploads;

namespace Sidecar.Tests.Staging.Uploads;

/// <summary>When an upload is judged, and what becomes of a refused one.</summary>
[CancelAfter(30_000)]
internal sealed class UploadValidatorTests
{
    private const int Part = 32 << 10;

    private readonly ImageId _id = ImageId.New();
    private readonly List<(long Available, bool Complete)> _asked = [];

    [Test]
    public async Task Append_WithAClaim_IsJudgedWhenMoreCanBeTold()
    {
        using var staging = new StagingFixture { Validate = Validate(needed: 5 * Part) };
        await using (var writer = await BeginAsync(staging))
        {
            for (var i = 0; i < 8; i++) Append(writer);
            await writer.CommitAsync(StagingFixture.Finish(8 * Part), default);
        }

        Assert.That(_asked, Is.EqualTo(new[] { (2L * Part, false), (5L * Part, false), (8L * Part, true) }));
    }

    [Test]
    public async Task Append_WithoutAClaim_IsNotJudged()
    {
        using var staging = new StagingFixture { Validate = Validate(needed: 0) };
        await staging.StageAsync(_id, new byte[8 * Part]);
        Assert.That(_asked, Is.Empty);
    }

    [Test]
    public async Task Append_Refused_EndsWithTheJudgesWordsAndNothingIsKept()
    {
        var refusal = new InvalidDataException("bad");
        using var staging = new StagingFixture { Validate = (_, _, _, _) => new ImageValidation(0, refusal) };
        await using (var writer = await BeginAsync(staging))
        {
            Append(writer);
            Assert.That(Assert.Throws<InvalidDataException>(() => Append(writer)), Is.SameAs(refusal));
        }

        AssertNothingIsLeft(staging);
    }

    [Test]
    public async Task Commit_RefusedAtTheEnd_IsDiscarded()
    {
        using var staging = new StagingFixture
        {
            Validate = (_, _, _, complete) => complete ? new ImageValidation(0, new InvalidDataException("bad")) : ImageValidation.Nothing,
        };
        await using (var writer = await BeginAsync(staging))
        {
            Append(writer);
            await Assert.ThrowsAsync<InvalidDataException>(() => writer.CommitAsync(StagingFixture.Finish(Part), default));
        }

        AssertNothingIsLeft(staging);
    }

    [Test]
    public async Task Resume_AfterARestart_IsJudgedByTheClaimItBeganWith()
    {
        using var staging = new StagingFixture { Validate = Validate(needed: long.MaxValue) };
        await using (var writer = await BeginAsync(staging)) Append(writer);
        staging.Restart();
        await using (var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), Part, default))
        {
            Append(writer);
        }

        Assert.That(_asked, Is.EqualTo(new[] { (2L * Part, false) }));
    }

    [Test]
    public async Task Resume_AfterARestart_ToleratesWhatItBeganWith()
    {
        IReadOnlyList<string>? seen = null;
        using var staging = new StagingFixture
        {
            Validate = (claim, _, _, _) =>
            {
                seen = claim.ToleratedChecks;
                return ImageValidation.Nothing;
            },
        };
        var header = staging.Header(_id) with { DiskFormat = "raw", ToleratedChecks = ["mbr_hybrid"] };
        await using (var writer = await staging.Area.BeginUploadAsync(header, null, default)) Append(writer);
        staging.Restart();
        seen = null;
        await using (var writer = await staging.Area.BeginUploadAsync(staging.Header(_id), Part, default)) Append(writer);

        Assert.That(seen, Is.EqualTo(new[] { "mbr_hybrid" }));
    }

    [Test]
    public async Task Adopt_Refused_LeavesTheFileWhereItIs()
    {
        using var staging = new StagingFixture
        {
            Validate = (claim, _, size, complete) =>
                new ImageValidation(0, new InvalidDataException($"{claim.DiskFormat} {size} {complete}")),
        };
        var path = Path.Combine(staging.Layout.Directory, "part");
        await File.WriteAllBytesAsync(path, new byte[10]);
        var request = new AdoptRequest(_id, path, null, new Dictionary<string, string>(), "", "", new ImageClaim("qcow2", ""));
        var refusal = (await Assert.ThrowsAsync<InvalidDataException>(() => staging.Area.AdoptAsync(request, default)))!;
        Assert.That(refusal.Message, Is.EqualTo("qcow2 10 True"));
        Assert.That(path, Does.Exist);
        Assert.That(staging.Area.TryGetImage(_id, out _), Is.False);
        await staging.Area.AdoptAsync(request with { Claim = null }, default);
    }

    private ValidateImage Validate(long needed) => (claim, _, available, complete) =>
    {
        Assert.That(claim, Is.EqualTo(new ImageClaim("qcow2", "bare")));
        _asked.Add((available, complete));
        return new ImageValidation(available < needed ? needed : long.MaxValue, null);
    };

    private Task<UploadWriter> BeginAsync(StagingFixture staging) => staging.Area.BeginUploadAsync(
        staging.Header(_id) with { DiskFormat = "qcow2", ContainerFormat = "bare" }, null, default);

    private static void Append(UploadWriter writer) =>
        writer.Append(new ReadOnlySequence<byte>(new byte[Part]), null, null);

    private void AssertNothingIsLeft(StagingFixture staging)
    {
        Assert.That(staging.Area.TryGetUpload(_id), Is.Null);
        Assert.That(Directory.EnumerateFileSystemEntries(staging.Layout.Uploads), Is.Empty);
        Assert.That(staging.Area.TryGetImage(_id, out _), Is.False);
        Assert.That(staging.Area.Space.Snapshot().ReservedBytes, Is.Zero);
    }
}
