using NUnit.Framework;
using Sidecar.Staging.Core;
using Sidecar.Staging.Images;

namespace Sidecar.Tests.Staging.Images;

internal sealed class ImageCatalogTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void Images_AreInOrderOfAge_WhateverComesAndGoes()
    {
        using var staging = new StagingFixture();
        var catalog = new ImageCatalog(staging.Layout);
        var random = new Random(7);
        var expected = new List<StagedImage>();
        for (var step = 0; step < 500; step++)
        {
            if (expected.Count > 0 && random.Next(3) == 0)
            {
                var gone = expected[random.Next(expected.Count)];
                expected.Remove(gone);
                catalog.Remove(gone);
            }
            else
            {
                // Few moments, so that many images share one.
                var image = new StagedImage(
                    ImageId.New(), step, new Dictionary<string, string>(), "", ImageOrigin.Uploaded,
                    Noon.AddSeconds(random.Next(20)));
                expected.Add(image);
                catalog.Add(image);
                catalog.Add(image with { CommittedAt = Noon.AddYears(-1) }); // it is staged: nothing changes
            }
        }

        var order = expected.OrderBy(image => image.CommittedAt).ThenBy(image => image.Id.ToString(), StringComparer.Ordinal).ToList();
        Assert.That(catalog.List(), Is.EqualTo(order));
        Assert.That(catalog.ListOldest(5), Is.EqualTo(order.Take(5)));
        Assert.That(catalog.Oldest, Is.EqualTo(order[0]));
        Assert.That((catalog.Count, catalog.Bytes), Is.EqualTo((order.Count, order.Sum(image => image.Size))));
        var loaded = new ImageCatalog(staging.Layout);
        loaded.Load(expected);
        Assert.That(loaded.List(), Is.EqualTo(order), "as a restart finds them, in the order of a directory");
        Assert.That((loaded.Count, loaded.Bytes), Is.EqualTo((catalog.Count, catalog.Bytes)));
        foreach (var image in expected) loaded.Remove(image);
        Assert.That((loaded.Oldest, loaded.Count, loaded.Bytes), Is.EqualTo(((StagedImage?)null, 0, 0L)));
    }
}
