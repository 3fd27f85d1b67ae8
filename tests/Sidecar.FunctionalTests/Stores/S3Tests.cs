using System.Security.Cryptography;
using Glance.Sidecar.V1;
using Grpc.Core;
using NUnit.Framework;
using Sidecar.FunctionalTests.Infrastructure.Network;
using Sidecar.Stores.Writers;
using Sidecar.Stores.Writers.S3;
using StoreError = Sidecar.Stores.Core.StoreError;
using StoreException = Sidecar.Stores.Core.StoreException;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>Images that the daemon writes to the S3 server of a real Ceph, judged by another client.</summary>
internal sealed class S3Tests : CephTest
{
    // Four parts and a bit.
    private const int LargeBytes = (64 * MiB) + 5;

    // Of a large image's bytes: one part has gone, and not all.
    private const int HeldBytes = 20 * MiB;

    private static TestAuthority? _authority;
    private static CephGateway? _gateway;
    private static S3Judge? _judge;

    private static CephGateway Gateway => _gateway!;

    private static S3Judge Bucket => _judge!;

    [OneTimeSetUp]
    public static async Task StartGatewayAsync()
    {
        _authority = new TestAuthority();
        using var certificate = _authority.Issue("localhost");
        await File.WriteAllTextAsync(Place["gateway.pem"], TestAuthority.KeyPem(certificate) + "\n" + _authority.ChainPem(certificate));
        _gateway = await CephGateway.StartAsync(Ceph, Place["gateway.pem"]);
        _judge = new S3Judge(_gateway.Url, "images");
        await _judge.MakeAsync();
    }

    [OneTimeTearDown]
    public static async Task StopGatewayAsync()
    {
        if (_gateway is not null) await _gateway.DisposeAsync();
        _authority?.Dispose();
    }

    [Test]
    public async Task Store_ImageOfManyPartsWithHoles_IsInTheBucketByteForByte()
    {
        await using var scene = await SceneAsync(Target());
        var content = await StageWithHolesAsync(scene);

        var image = await scene.StoreAsync(Id, Deadline);

        Assert.That(image.Size, Is.EqualTo((ulong)content.Length));
        Assert.That(image.Digests["md5"], Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(content))));
        Assert.That(image.Digests["sha512"], Is.EqualTo(Convert.ToHexStringLower(SHA512.HashData(content))));
        Assert.That((image.Facts["endpoint"], image.Facts["bucket"]), Is.EqualTo((Target().S3.Endpoint, Bucket.Bucket)));
        Assert.That(await Bucket.GetAsync(Id), SameBytes.As(content));
        Assert.That(await Bucket.ListAsync(Id), Is.EqualTo(new[] { Id }), "no upload is left");
    }

    [Test]
    public async Task Store_SmallImage_IsOneObject([Values(0, 16 * MiB)] int bytes)
    {
        await using var scene = await SceneAsync(Target());
        await StageAsync(scene.Sidecar, Id, Content(bytes));
        var image = await scene.StoreAsync(Id, Deadline);
        Assert.That(image.Digests["md5"], Is.EqualTo(Convert.ToHexStringLower(MD5.HashData(Content(bytes)))));
        Assert.That(await Bucket.GetAsync(Id), SameBytes.As(Content(bytes)));
    }

    [Test]
    public async Task Store_OverTls_TrustsWhatItIsToldToTrust([Values] bool isTrusted)
    {
        await using var scene = await SceneAsync(Target(s3 =>
        {
            s3.Endpoint = Gateway.Tls.ToString();
            s3.CaCertificates = isTrusted ? _authority!.RootPem : "";
        }));
        await StageAsync(scene.Sidecar, Id, Content(LargeBytes));

        var refusal = await scene.FailAsync(Id, Deadline);

        if (isTrusted)
        {
            Assert.That(refusal, Is.Null);
            Assert.That(await Bucket.GetAsync(Id), SameBytes.As(Content(LargeBytes)));
        }
        else
        {
            AssertRefused(refusal, StatusCode.FailedPrecondition, "STORE_FAILED");
            Assert.That(refusal!.Status.Detail, Does.Contain("s3_store_cacert"));
        }
    }

    [Test]
    public async Task Store_AskedForAgain_FindsWhatIsThere([Values] bool isRestarted)
    {
        await using var scene = await SceneAsync(Target());
        await StageAsync(scene.Sidecar, Id, Content(isRestarted ? LargeBytes : 3 * MiB));
        var first = await scene.StoreAsync(Id, Deadline);
        var made = await Bucket.VersionAsync(Id);
        if (isRestarted) await scene.RestartAsync();

        Assert.That(await scene.StoreAsync(Id, Deadline), Is.EqualTo(first));
        Assert.That(await Bucket.VersionAsync(Id), Is.EqualTo(made), "not written once more");
    }

    [Test]
    public async Task Store_WithoutARecordOfTheWrite_HasTheDigestsOfTheSameBytes()
    {
        await using var scene = await SceneAsync(Target());
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        var first = await scene.StoreAsync(Id, Deadline);
        File.Delete(scene.Record(Id));
        await scene.RestartAsync();
        Assert.That(await scene.StoreAsync(Id, Deadline), Is.EqualTo(first));
    }

    [Test]
    public async Task Store_NameOfSomebodyElses_IsNotTouched()
    {
        await Bucket.PutAsync(Id, [1, 2, 3]);
        await using var scene = await SceneAsync(Target());
        await StageAsync(scene.Sidecar, Id, Content(3));

        AssertRefused(await scene.FailAsync(Id, Deadline), StatusCode.AlreadyExists, "STORE_DUPLICATE");

        Assert.That(scene.Discard(Id).Discarded, Is.False);
        Assert.That(await Bucket.GetAsync(Id), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(await Bucket.ListAsync(Id), Is.EqualTo(new[] { Id }));
    }

    [Test]
    public async Task Store_NameMadeWhileItIsWritten_IsNotTouched()
    {
        await using var valve = new Valve(Gateway.Address, HeldBytes);
        await using var scene = await SceneAsync(Target(s3 => s3.Endpoint = valve.Url.ToString()));
        await StageAsync(scene.Sidecar, Id, Content(LargeBytes));
        using var call = scene.Begin(Id, Deadline);
        await valve.HeldAsync(Deadline);
        await Bucket.PutAsync(Id, [1, 2, 3]);
        valve.Open();

        AssertRefused(await StoreScene.EndAsync(call, Deadline), StatusCode.AlreadyExists, "STORE_DUPLICATE");
        Assert.That(await Bucket.GetAsync(Id), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(await Bucket.ListAsync(Id), Is.EqualTo(new[] { Id }), "no upload is left");
    }

    [Test]
    public async Task Discard_WhatWasWritten_RemovesItWithKeysThatAreOthersByNow()
    {
        var old = Target();
        await using var scene = await SceneAsync(old);
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        await scene.StoreAsync(Id, Deadline);
        var wrong = Target(s3 => s3.SecretKey = "another");
        AssertRefused(Assert.Throws<RpcException>(() => scene.Discard(Id, wrong)), StatusCode.PermissionDenied, "STORE_DENIED");
        Assert.That(await Bucket.ListAsync(Id), Is.EqualTo(new[] { Id }));

        // Of the same place, but not the same target.
        Assert.That(scene.Discard(Id, Target(s3 => s3.Region = "us-east-1")).Discarded, Is.True);

        Assert.That(await Bucket.ListAsync(Id), Is.Empty);
        Assert.That(scene.Discard(Id).Discarded, Is.False, "there is nothing any more");
        Assert.That(File.Exists(scene.Record(Id)), Is.False);
    }

    [Test]
    public async Task Discard_WhileItIsWritten_EndsIt()
    {
        await using var valve = new Valve(Gateway.Address, HeldBytes);
        await using var scene = await SceneAsync(Target(s3 => s3.Endpoint = valve.Url.ToString()));
        await StageAsync(scene.Sidecar, Id, Content(LargeBytes));
        using var call = scene.Begin(Id, Deadline);
        await valve.HeldAsync(Deadline);
        Assert.That(await Bucket.ListAsync(Id), Is.EqualTo(new[] { "upload of " + Id }), "nothing that anybody takes for the image");

        Assert.That(scene.Discard(Id, Target()).Discarded, Is.True);

        AssertRefused(await StoreScene.EndAsync(call, Deadline), StatusCode.Cancelled, "STORE_DISCARDED");
        Assert.That(await Bucket.ListAsync(Id), Is.Empty);
    }

    [Test]
    public async Task Store_WriterKilled_IsWrittenAnew()
    {
        await using var valve = new Valve(Gateway.Address, HeldBytes);
        await using var scene = await SceneAsync(Target(s3 => s3.Endpoint = valve.Url.ToString()));
        await StageAsync(scene.Sidecar, Id, Content(LargeBytes));
        using var call = scene.Begin(Id, Deadline);
        await valve.HeldAsync(Deadline);
        Signals.Send("KILL", scene.Writer());
        valve.Open();

        Assert.That(await StoreScene.EndAsync(call, Deadline), Is.Null);
        Assert.That(await Bucket.GetAsync(Id), SameBytes.As(Content(LargeBytes)));
        Assert.That(await Bucket.ListAsync(Id), Is.EqualTo(new[] { Id }), "no upload is left");
    }

    [Test]
    public async Task Store_DaemonKilled_IsWrittenAnewAndNoKeyIsOnItsDisk()
    {
        await using var valve = new Valve(Gateway.Address, HeldBytes);
        await using var scene = await SceneAsync(Target(s3 => s3.Endpoint = valve.Url.ToString()));
        await StageAsync(scene.Sidecar, Id, Content(LargeBytes));
        using var call = scene.Begin(Id, Deadline);
        await valve.HeldAsync(Deadline);
        AssertSecret(scene, scene.Writer());
        var log = scene.Sidecar.Log;
        await scene.Sidecar.KillAsync();
        Assert.That(await Bucket.ListAsync(Id), Is.EqualTo(new[] { "upload of " + Id }));
        Assert.That(log.Where(line => line.Contains(CephGateway.SecretKey, StringComparison.Ordinal)), Is.Empty);

        await scene.RestartAsync();
        await scene.StoreAsync(Id, Deadline, Target());

        Assert.That(await Bucket.GetAsync(Id), SameBytes.As(Content(LargeBytes)));
        Assert.That(await Bucket.ListAsync(Id), Is.EqualTo(new[] { Id }), "no upload is left");
        AssertSecret(scene);
    }

    [Test]
    public async Task Store_UploadThatSomebodyLeft_IsRemoved()
    {
        await Bucket.BeginAsync(Id);
        await Bucket.BeginAsync(Id + "-of-another");
        await using var scene = await SceneAsync(Target());
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        await scene.StoreAsync(Id, Deadline);
        Assert.That(await Bucket.ListAsync(Id), Is.EqualTo(new[] { Id, $"upload of {Id}-of-another" }));
    }

    // Glance's own driver lists no uploads, and a policy made for it need not let its user do that.
    [Test]
    public async Task Discard_WithoutLeaveToListUploads_ForgetsWhatWasBegun()
    {
        var bucket = new S3Judge(Gateway.Url, "bucket-" + Id);
        await bucket.MakeAsync();
        await bucket.ForbidAsync("s3:ListBucketMultipartUploads");
        await using var valve = new Valve(Gateway.Address, HeldBytes);
        await using var scene = await SceneAsync(Target(s3 => (s3.Endpoint, s3.Bucket) = (valve.Url.ToString(), bucket.Bucket)));
        await StageAsync(scene.Sidecar, Id, Content(LargeBytes));
        using (scene.Begin(Id, Deadline)) await valve.HeldAsync(Deadline);
        await scene.Sidecar.KillAsync();
        await scene.RestartAsync();

        Assert.That(scene.Discard(Id, Target(s3 => s3.Bucket = bucket.Bucket)).Discarded, Is.True);

        Assert.That(File.Exists(scene.Record(Id)), Is.False);
        await bucket.PermitAsync();
        Assert.That(await bucket.ListAsync(Id), Is.EqualTo(new[] { "upload of " + Id }), "for the bucket's lifecycle to remove");
    }

    // What nobody here may ever remove is told from what the right keys will.
    [Test]
    public async Task Abandon_WithoutLeaveToListUploads_IsDoneUnlessTheKeysAreWrong([Values] bool areRight)
    {
        var bucket = new S3Judge(Gateway.Url, "bucket-" + Id);
        await bucket.MakeAsync();
        await bucket.BeginAsync(Id);
        await bucket.ForbidAsync("s3:ListBucketMultipartUploads");
        var place = new S3Job(
            Gateway.Url.ToString(), CephGateway.AccessKey, areRight ? CephGateway.SecretKey : "another", bucket.Bucket, "",
            IsVirtualHosted: false, CaCertificates: "", CreatesBucket: false);
        var job = new WriteJob(
            Discard: true, "", LargeBytes, "mark", Id, "", [], new Dictionary<string, string>(), "", null, place, PartOnly: true);
        using var writer = new S3Writer(job, place);

        if (areRight) await Assert.DoesNotThrowAsync(writer.AbandonAsync);
        else Assert.That((await Assert.ThrowsAsync<StoreException>(writer.AbandonAsync))!.Error, Is.EqualTo(StoreError.StoreDenied));
    }

    [Test]
    public async Task Store_BytesThatChangedOnTheVolume_AreNotWritten()
    {
        await using var scene = await SceneAsync(Target());
        await StageAsync(scene.Sidecar, Id, Content(LargeBytes));
        using (var file = File.OpenHandle(scene.ImageFile(Id), FileMode.Open, FileAccess.Write))
        {
            RandomAccess.Write(file, [(byte)(Content(LargeBytes)[MiB] ^ 1)], MiB);
        }

        AssertRefused(await scene.FailAsync(Id, Deadline), StatusCode.DataLoss, "STORE_CORRUPT");
        Assert.That(await Bucket.ListAsync(Id), Is.Empty);
    }

    [Test]
    public async Task Store_WrongKeys_AreDenied([Values] bool isSecret)
    {
        await using var scene = await SceneAsync(Target(s3 =>
        {
            if (isSecret) s3.SecretKey = "NotTheSecretOfIt";
            else s3.AccessKey = "NOBODYSKEY";
        }));
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));

        var refusal = await scene.FailAsync(Id, Deadline);

        AssertRefused(refusal, StatusCode.PermissionDenied, "STORE_DENIED");
        Assert.That(refusal!.Status.Detail, Does.Contain("s3_store_secret_key"));
        Assert.That(string.Concat(scene.Sidecar.Log), Does.Not.Contain("NotTheSecretOfIt").And.Not.Contain("NOBODYSKEY"));
    }

    [Test]
    public async Task Store_BucketThatIsMissing_IsMadeWhereItMayBe([Values] bool isMade)
    {
        var bucket = "bucket-" + Id;
        await using var scene = await SceneAsync(Target(s3 => (s3.Bucket, s3.CreateBucket) = (bucket, isMade)));
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));

        var refusal = await scene.FailAsync(Id, Deadline);

        Assert.That((await Bucket.BucketsAsync()).Contains(bucket), Is.EqualTo(isMade));
        if (isMade)
        {
            Assert.That(await new S3Judge(Gateway.Url, bucket).GetAsync(Id), SameBytes.As(Content(3 * MiB)));
            return;
        }

        AssertRefused(refusal, StatusCode.FailedPrecondition, "STORE_FAILED");
        Assert.That(refusal!.Status.Detail, Does.Contain("no bucket " + bucket).And.Contain("s3_store_create_bucket_on_put"));
        Assert.That(scene.Discard(Id).Discarded, Is.False, "nothing of it is remembered");
    }

    [Test]
    public async Task Store_FrozenServer_FailsInTimeAndCanBeAskedForAgain()
    {
        await using var scene = await SceneAsync(Target(), "--Stores:StallTimeout", "00:00:03", "--Stores:Attempts", "1");
        await StageAsync(scene.Sidecar, Id, Content(3 * MiB));
        Gateway.Freeze();
        try
        {
            AssertRefused(await scene.FailAsync(Id, Deadline), StatusCode.Aborted, "STORE_UNREACHABLE");
        }
        finally
        {
            Gateway.Freeze(false);
        }

        await scene.StoreAsync(Id, Deadline);
        Assert.That(await Bucket.GetAsync(Id), SameBytes.As(Content(3 * MiB)));
    }

    [Test]
    public async Task Store_NoServer_IsUnreachable()
    {
        await using var scene = await SceneAsync(Target(s3 => s3.Endpoint = "http://127.0.0.1:9"), "--Stores:Attempts", "1");
        await StageAsync(scene.Sidecar, Id, Content(MiB));
        AssertRefused(await scene.FailAsync(Id, Deadline), StatusCode.Aborted, "STORE_UNREACHABLE");
    }

    private static StoreTarget Target(Action<S3Target>? change = null)
    {
        var s3 = new S3Target
        {
            Endpoint = Gateway.Url.ToString(), AccessKey = CephGateway.AccessKey, SecretKey = CephGateway.SecretKey, Bucket = Bucket.Bucket,
        };
        change?.Invoke(s3);
        return new StoreTarget { S3 = s3 };
    }

    private static Task<StoreScene> SceneAsync(StoreTarget target, params string[] settings) => StoreScene.StartAsync(target, null, settings);

    // More parts than there are buffers, and a whole one is a hole, of which its buffer has the bytes of an earlier part.
    private async Task<byte[]> StageWithHolesAsync(StoreScene scene)
    {
        var content = Content(2 * LargeBytes + (32 * MiB));
        content.AsSpan(126 * MiB, 24 * MiB).Clear();
        await StageAsync(scene.Sidecar, Id, content);
        await CephProgram.RunAsync("fallocate", "--punch-hole", "--offset", "126MiB", "--length", "24MiB", scene.ImageFile(Id));
        return content;
    }

    /// <summary>The keys are in no file of the daemon's, and in no argument or variable of its processes.</summary>
    private static void AssertSecret(StoreScene scene, params int[] processes)
    {
        var files = Directory.EnumerateFiles(scene.Staging, "*", SearchOption.AllDirectories).Where(path => !path.EndsWith("lock", StringComparison.Ordinal))
            .Concat(processes.SelectMany(id => new[] { $"/proc/{id}/cmdline", $"/proc/{id}/environ" }));
        foreach (var file in files)
        {
            var text = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file));
            Assert.That(text.Contains(CephGateway.SecretKey, StringComparison.Ordinal), Is.False, file);
            Assert.That(text.Contains(CephGateway.AccessKey, StringComparison.Ordinal), Is.False, file);
        }
    }
}
