using System.Buffers;
using NUnit.Framework;
using Sidecar.Staging.Core;

namespace Sidecar.Tests.Staging;

/// <summary>What the staging area knows of an image that another pod hands over.</summary>
internal sealed class HandOverTests
{
    private readonly ImageId _id = ImageId.New();

    [Test]
    public async Task DeleteImage_AskedForBeforeTheHandOver_RemovesTheImageAllTheSame()
    {
        using var staging = new StagingFixture();
        var first = staging.Clock.GetUtcNow();
        staging.Clock.Advance(TimeSpan.FromHours(2));
        await ReceiveAsync(staging, Header(staging, first));
        staging.Restart();
        var before = await staging.Area.DeleteImageAsync(_id, first - TimeSpan.FromMinutes(1), default);
        Assert.That(before.Existed, Is.False, "a deletion of an earlier image of this id");
        var after = await staging.Area.DeleteImageAsync(_id, first + TimeSpan.FromMinutes(1), default);
        Assert.That(after.Existed, Is.True, "a deletion of this one");
    }

    [Test]
    public async Task RemoveHandOverPart_TheImageFoundAnotherOwner_RemovesThePart()
    {
        using var staging = new StagingFixture();
        await SendPartAsync(staging, Header(staging, staging.Clock.GetUtcNow()));
        await staging.Area.RemoveHandOverPartAsync(_id, "glance-2", default);
        Assert.That(staging.Area.ListUploads(), Is.Empty);
    }

    [Test]
    public async Task RemoveHandOverPart_TheSourceStillHasTheImage_KeepsThePart()
    {
        using var staging = new StagingFixture();
        await SendPartAsync(staging, Header(staging, staging.Clock.GetUtcNow()));
        await staging.Area.RemoveHandOverPartAsync(_id, "glance-0", default);
        Assert.That(staging.Area.GetUpload(_id).ReceivedOffset, Is.EqualTo(100));
    }

    [Test]
    public async Task RemoveHandOverPart_UploadOfAClient_Stays()
    {
        using var staging = new StagingFixture();
        await staging.UploadAsync(_id, StagingFixture.Content(100));
        await staging.Area.RemoveHandOverPartAsync(_id, "glance-2", default);
        Assert.That(staging.Area.GetUpload(_id).ReceivedOffset, Is.EqualTo(100));
    }

    private UploadHeader Header(StagingFixture staging, DateTimeOffset first) =>
        staging.Header(_id) with { HandedOverBy = "glance-0", FirstCommittedAt = first };

    private static async Task SendPartAsync(StagingFixture staging, UploadHeader header)
    {
        await using var writer = await staging.Area.BeginUploadAsync(header, null, default);
        writer.Append(new ReadOnlySequence<byte>(StagingFixture.Content(100)), null, null);
    }

    private static async Task ReceiveAsync(StagingFixture staging, UploadHeader header)
    {
        await using var writer = await staging.Area.BeginUploadAsync(header, null, default);
        writer.Append(new ReadOnlySequence<byte>(StagingFixture.Content(100)), null, null);
        await writer.CommitAsync(StagingFixture.Finish(100), default);
    }
}
