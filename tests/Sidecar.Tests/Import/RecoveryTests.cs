using System.Text.Json.Nodes;
using NUnit.Framework;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Rpc.Messages;
using Sidecar.Staging.Disk;
using Sidecar.Telemetry;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import;

/// <summary>What the next life of the daemon knows of the imports of this one.</summary>
internal sealed class RecoveryTests : ImportTest
{
    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_Succeeded_IsListedAgain(CancellationToken cancellationToken)
    {
        Configure("Metadata:Inject:os_type", "linux");
        var request = Request(Stage(Directory.Convert(Directory.Raw(), "qcow2"))) with
        {
            Stages = ["image_conversion", "inject_image_metadata"], UserRoles = ["member"], RequestId = "req-1",
            Digests = ["sha1"],
        };
        var before = await RunAsync(request, cancellationToken);
        ForgetEverything();

        var counts = await Queue.RecoverAsync(cancellationToken);
        var after = Queue.Get(before.ImportId);

        Assert.That(counts, Is.EqualTo(new ImportRecovery(Finished: 1, 0, 0, 0)));
        Assert.That(after.Stages, Is.EqualTo(before.Stages));
        Assert.That(after.Result!.OutputPath, Is.EqualTo(before.Result!.OutputPath));
        Assert.That(after.Result.Digests, Is.EquivalentTo(before.Result.Digests));
        Assert.That(after.Result.Properties, Is.EquivalentTo(before.Result.Properties));
        Assert.That(after.FinishedAt, Is.EqualTo(before.FinishedAt));
        Assert.That(Queue.Start(request), Is.SameAs(after));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_AfterTheDirectoryWasMoved_FindsTheOutputsThere(CancellationToken cancellationToken)
    {
        var converted = await ImportAsync(Directory.Convert(Directory.Raw(), "qcow2"), cancellationToken);
        var unchanged = await ImportAsync(Directory.Raw(), cancellationToken);
        ForgetEverything();
        System.IO.Directory.Move(StagingDirectory, Directory["moved"]);
        StagingDirectory = Directory["moved"];

        var counts = await Queue.RecoverAsync(cancellationToken);

        Assert.That(counts, Is.EqualTo(new ImportRecovery(Finished: 2, 0, 0, 0)));
        Assert.That(
            Queue.Get(converted.ImportId).Result!.OutputPath,
            Is.EqualTo(Path.Combine(Layout.ImportDirectory(converted.ImportId), $"{converted.Request.ImageId}.raw")));
        Assert.That(
            Queue.Get(unchanged.ImportId).Result!.OutputPath, Is.EqualTo(Layout.ImageFile(unchanged.Request.ImageId)));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_JournalThatNamesAFileElsewhere_DoesNotFollowIt(CancellationToken cancellationToken)
    {
        var import = await ImportAsync(Directory.Raw(), cancellationToken);
        var journal = Path.Combine(Layout.ImportDirectory(import.ImportId), "import.json");
        var text = await File.ReadAllTextAsync(journal, cancellationToken);
        var secret = Directory.Write("secret", new byte[import.Result!.Size]);
        await File.WriteAllTextAsync(
            journal, text.Replace(import.Result.OutputPath, secret, StringComparison.Ordinal), cancellationToken);
        ForgetEverything();

        var counts = await Queue.RecoverAsync(cancellationToken);

        Assert.That(counts.Lost, Is.EqualTo(1));
        Assert.That(Queue.Get(import.ImportId).Result, Is.Null);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_OutputGone_FailsAsLost(CancellationToken cancellationToken)
    {
        var before = await ImportAsync(Directory.Convert(Directory.Raw(), "qcow2"), cancellationToken);
        File.Delete(before.Result!.OutputPath);
        ForgetEverything();

        var counts = await Queue.RecoverAsync(cancellationToken);

        Assert.That(counts.Lost, Is.EqualTo(1));
        Assert.That(Queue.Get(before.ImportId).Failure?.Error.Reason(), Is.EqualTo("OUTPUT_LOST"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_Failed_IsTheSameFailure(CancellationToken cancellationToken)
    {
        var before = await ImportAsync(Directory.Create("image", "-f", "qed"), cancellationToken);
        ForgetEverything();

        await Queue.RecoverAsync(cancellationToken);

        var after = Queue.Start(before.Request);
        Assert.That(after.Failure!.Facts, Is.EquivalentTo(before.Failure!.Facts));
        Assert.That(after.Failure with { Facts = before.Failure.Facts }, Is.EqualTo(before.Failure));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Stop_RunningAndWaiting_InterruptedAndRunAgainByTheSameId(CancellationToken cancellationToken)
    {
        Configure("MaxConcurrent", "1");
        var pid = UseWaitingQemu();
        var request = Request(Stage(Directory.Convert(Directory.Raw(), "qcow2")));
        var running = Queue.Start(request);
        var waiting = Queue.Start(request with { ImportId = Guid.NewGuid() });
        await UntilItWaitsAsync(pid, cancellationToken);

        await Queue.StopAsync(cancellationToken);

        Assert.That(IsGone(pid), Is.True);
        Assert.That(Queue.Get(running.ImportId).Failure?.Error.Reason(), Is.EqualTo("IMPORT_INTERRUPTED"));
        Assert.That(
            () => Queue.Start(Request(request.ImageId)),
            Throws.InstanceOf<ImportException>()
                .With.Property(nameof(ImportException.Error)).EqualTo(ImportError.Draining));

        ForgetEverything();
        Configure("Tools:QemuNbd", "/usr/bin/qemu-nbd");
        var counts = await Queue.RecoverAsync(cancellationToken);

        Assert.That(counts.Interrupted, Is.EqualTo(2));
        Assert.That(Queue.Get(waiting.ImportId).Failure?.Error, Is.EqualTo(ImportError.ImportInterrupted));
        Assert.That((await RunAsync(request, cancellationToken)).State, Is.EqualTo(ImportState.Succeeded));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_KilledWhileRunning_WorkFilesAreGone(CancellationToken cancellationToken)
    {
        var pid = UseWaitingQemu();
        var import = Queue.Start(Request(Stage(TestImages.Gzip(Directory.Convert(Directory.Raw(), "qcow2")))));
        await UntilItWaitsAsync(pid, cancellationToken);
        Assert.That(WorkFiles(import.ImportId).Count(), Is.GreaterThan(1));
        var killed = Queue;
        ForgetEverything();

        var counts = await Queue.RecoverAsync(cancellationToken);

        Assert.That(counts.Interrupted, Is.EqualTo(1));
        // The one that is said to be killed lives on in this process, and may be writing its journal anew (import.json.tmp).
        Assert.That(WorkFiles(import.ImportId).Where(name => name != "import.json.tmp"), Is.EqualTo(new[] { "import.json" }));
        await killed.StopAsync(cancellationToken);
    }

    [TestCase("import.json", "{ \"version\": 1, \"import_id\":")]
    [TestCase("import.json", "{ \"version\": 2 }")]
    [TestCase("import.json", "null")]
    [TestCase("disk.raw", "no journal at all")]
    [CancelAfter(60_000)]
    public async Task Recover_NoReadableJournal_IsRemoved(
        string name, string content, CancellationToken cancellationToken)
    {
        var directory = Layout.ImportDirectory(Guid.NewGuid());
        System.IO.Directory.CreateDirectory(directory);
        await File.WriteAllTextAsync(Path.Combine(directory, name), content, cancellationToken);

        var counts = await Queue.RecoverAsync(cancellationToken);

        Assert.That(counts, Is.EqualTo(new ImportRecovery(0, 0, 0, Removed: 1)));
        Assert.That(directory, Does.Not.Exist);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Sweep_AfterRetention_RemovesFinishedOnly(CancellationToken cancellationToken)
    {
        Configure("Retention", "1.00:00:00");
        UseWaitingQemu();
        var finished = await ImportAsync(Directory.Raw(), cancellationToken);
        var running = Queue.Start(Request(Stage(Directory.Create("image", "-f", "qcow2"))));

        var early = await Queue.SweepAsync(finished.FinishedAt!.Value.AddHours(23), cancellationToken);
        var late = await Queue.SweepAsync(finished.FinishedAt.Value.AddHours(25), cancellationToken);

        Assert.That((early, late), Is.EqualTo((0, 1)));
        Assert.That(Queue.List().Select(import => import.ImportId), Is.EqualTo(new[] { running.ImportId }));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Recover_DamagedJournal_IsSetAsideAndTheOthersAreListed(CancellationToken cancellationToken)
    {
        var whole = await ImportAsync(Directory.Raw(), cancellationToken);
        var damaged = await ImportAsync(Directory.Raw(), cancellationToken);
        var directory = Layout.ImportDirectory(damaged.ImportId);
        var journal = Path.Combine(directory, "import.json");
        var good = await File.ReadAllTextAsync(journal, cancellationToken);
        foreach (var (name, damage) in Damages(journal, good))
        {
            ForgetEverything();
            System.IO.Directory.CreateDirectory(directory);
            damage();

            var counts = await Queue.RecoverAsync(cancellationToken);

            Assert.That(counts, Is.EqualTo(new ImportRecovery(Finished: 1, 0, 0, Removed: 1)), name);
            Assert.That(
                Queue.List().Select(import => ImportMessages.ToMessage(import, "pod").ImportId),
                Is.EqualTo(new[] { whole.ImportId.ToString() }), name);
            Assert.That(System.IO.Directory.Exists(directory), Is.False, name);
            Assert.That(DamagedRecords.Count(Layout), Is.EqualTo(1), name);
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Sweep_OfAnImportThatEndsAtTheEndOfTime_GoesOn(CancellationToken cancellationToken)
    {
        var import = await ImportAsync(Directory.Raw(), cancellationToken);
        var journal = Path.Combine(Layout.ImportDirectory(import.ImportId), "import.json");
        var node = JsonNode.Parse(await File.ReadAllTextAsync(journal, cancellationToken))!;
        node["finished_at"] = "9999-12-31T23:59:59.9999999+00:00";
        await File.WriteAllTextAsync(journal, node.ToJsonString(), cancellationToken);
        ForgetEverything();
        await Queue.RecoverAsync(cancellationToken);

        Assert.That(await Queue.SweepAsync(DateTimeOffset.UtcNow, cancellationToken), Is.Zero);
    }

    private static IEnumerable<(string Name, Action Damage)> Damages(string journal, string good)
    {
        foreach (var text in new[] { "", "{}", "null", good.Replace("\"version\": 1", "\"version\": 2", StringComparison.Ordinal) })
        {
            yield return (text, () => File.WriteAllText(journal, text));
        }

        (string Name, JsonNode? Value)[] properties =
        [
            ("stages", null), ("stages", new JsonArray([null])), ("request_id", null), ("state", 77), ("state", "failed"),
            ("result", null), ("result", new JsonObject()), ("image_id", null), ("import_id", Guid.NewGuid().ToString()),
            ("requested_stages", new JsonArray([null])), ("user_roles", null), ("finished_at", null), ("failure", new JsonObject()),
            ("signature", new JsonObject()), ("signature", "c2lnbmF0dXJl"),
        ];
        foreach (var (name, value) in properties)
        {
            var node = JsonNode.Parse(good)!;
            node[name] = value;
            yield return ($"{name}: {value}", () => File.WriteAllText(journal, node.ToJsonString()));
        }

        foreach (var kind in Planted.Kinds.Where(kind => kind != "link to a file"))
        {
            yield return (kind, () => Planted.At(journal, kind));
        }
    }
}
