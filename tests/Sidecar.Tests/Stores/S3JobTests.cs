using NUnit.Framework;
using Sidecar.Stores.Core;
using Sidecar.Stores.Writers;

namespace Sidecar.Tests.Stores;

/// <summary>How an image is cut into parts, and what is told of a job.</summary>
internal sealed class S3JobTests
{
    private const long MiB = 1 << 20;
    private const long GiB = 1 << 30;
    private const int MostParts = 10_000;

    private static readonly S3Target Target = new(
        "https://s3.example", "TheAccessKey", "TheSecretKey", "images", "", IsVirtualHosted: false, CaCertificates: "", CreatesBucket: false);

    [TestCase(0, 16 * MiB)]
    [TestCase(140 * GiB, 16 * MiB)]
    [TestCase(141 * GiB, 17 * MiB)]
    [TestCase(1024 * GiB, 117 * MiB)]
    [TestCase(S3Job.MostBytes, 583 * MiB)]
    public void PartBytes_OfAnImage_AreNeverTooManyParts(long size, long expected)
    {
        var bytes = S3Job.PartBytes(size);
        Assert.That(bytes, Is.EqualTo(expected));
        Assert.That((size + bytes - 1) / bytes, Is.LessThanOrEqualTo(MostParts));
    }

    [TestCase(0, 0)]
    [TestCase(369 * GiB, 0)]
    [TestCase(1024 * GiB, (3 * 117 * MiB) - (128 * MiB))]
    public void MoreBytes_OfAJob_AreWhatItsPartsTakeAboveTheUsual(long size, long expected) =>
        Assert.That(Job(size).MoreBytes, Is.EqualTo(expected));

    [Test]
    public void Text_OfATargetAndAJob_HasNoKey()
    {
        var request = new StoreRequest(Guid.NewGuid(), "s3", Target, []);
        foreach (var text in (string[])[$"{Target}", $"{request}", $"{Job(1)}", $"{Job(1).S3}"])
        {
            Assert.That(text, Does.Not.Contain("TheAccessKey").And.Not.Contain("TheSecretKey"));
            Assert.That(text, Does.Contain("images"));
        }
    }

    private static WriteJob Job(long size) => new(
        Discard: false, Path: "", size, "mark", "name", "part", [], new Dictionary<string, string>(), Crc32C: "", Rbd: null, S3Job.Of(Target));
}
