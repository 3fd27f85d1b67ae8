using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>Images that the daemon writes to an S3 server that knows only the plainest of the protocol, judged by another client.</summary>
internal sealed class OtherS3Tests : SidecarTest
{
    private const int MiB = 1 << 20;

    // Four parts and a bit.
    private const int LargeBytes = (64 * MiB) + 5;

    private readonly string _id = NewId();

    [Test]
    public async Task Store_ThenDiscard_IsThereByteForByteAndThenIsNot([Values(0, 3 * MiB, LargeBytes)] int bytes)
    {
        using var directory = TestDirectory.Create();
        await using var server = await OtherS3Server.StartAsync(directory["objects"], Deadline);
        await using var scene = await StoreScene.StartAsync(server.Target(), null);
        await StageAsync(scene.Sidecar, _id, Content(bytes));

        var image = await scene.StoreAsync(_id, Deadline);

        Assert.That(image.Size, Is.EqualTo((ulong)bytes));
        Assert.That(await server.Judge.GetAsync(_id), SameBytes.As(Content(bytes)));
        Assert.That(scene.Discard(_id).Discarded, Is.True);
        Assert.That(await server.Judge.ObjectsAsync(_id), Is.Empty);
    }

    [Test]
    public async Task Store_DaemonKilled_IsWrittenAnewOrForgotten([Values] bool isForgotten)
    {
        using var directory = TestDirectory.Create();
        await using var server = await OtherS3Server.StartAsync(directory["objects"], Deadline);
        await using var valve = new Valve(server.Address, 20 * MiB);
        await using var scene = await StoreScene.StartAsync(server.Target(valve.Url), null);
        await StageAsync(scene.Sidecar, _id, Content(LargeBytes));
        using (scene.Begin(_id, Deadline)) await valve.HeldAsync(Deadline);
        await scene.Sidecar.KillAsync();
        await scene.RestartAsync();

        if (isForgotten)
        {
            Assert.That(scene.Discard(_id, server.Target()).Discarded, Is.True);
            Assert.That(File.Exists(scene.Record(_id)), Is.False);
            return;
        }

        await scene.StoreAsync(_id, Deadline, server.Target());
        Assert.That(await server.Judge.GetAsync(_id), SameBytes.As(Content(LargeBytes)));
    }
}
