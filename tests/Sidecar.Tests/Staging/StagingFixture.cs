using System.Buffers;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sidecar.Staging;
using Sidecar.Staging.Core;
using Sidecar.Staging.Files;
using Sidecar.Staging.Space;
using Sidecar.Staging.Uploads;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Staging;

/// <summary>A staging area over a real directory, which can be closed and opened again as a restart would.</summary>
internal sealed class StagingFixture : IDisposable
{
    private readonly TempDirectory _directory = new();

    public StagingFixture(Action<StagingOptions>? configure = null)
    {
        Options = new StagingOptions { ReserveBytes = 0, LowWatermarkPercent = 0, HighWatermarkPercent = 0 };
        configure?.Invoke(Options);
        Layout = new StagingLayout(_directory["staging"]);
        Area = Open();
    }

    public StagingOptions Options { get; }

    public StagingLayout Layout { get; }

    public FakeTimeProvider Clock { get; } = new();

    /// <summary>What the volume says; the real one unless a test sets it.</summary>
    public Func<VolumeSpace>? Space { get; set; }

    /// <summary>What validates content; nothing unless a test sets it.</summary>
    public ValidateImage? Validate { get; set; }

    public StagingArea Area { get; private set; }

    public string this[string name] => _directory[name];

    public void Restart()
    {
        Area.Dispose();
        Area = Open();
    }

    public UploadHeader Header(ImageId id, long? declaredSize = null, params (string Name, string Hex)[] digests) => new(
        id, declaredSize, digests.ToDictionary(digest => digest.Name, digest => digest.Hex), "project",
        Clock.GetUtcNow(), BootId.Current);

    public async Task<StagedImage> StageAsync(ImageId id, byte[] content)
    {
        await using var writer = await Area.BeginUploadAsync(Header(id), null, CancellationToken.None);
        writer.Append(new ReadOnlySequence<byte>(content), null, null);
        return await writer.CommitAsync(Finish(content.Length), CancellationToken.None);
    }

    /// <summary>Leaves an upload suspended.</summary>
    public async Task UploadAsync(ImageId id, byte[] content, long? declaredSize = null)
    {
        await using var writer = await Area.BeginUploadAsync(Header(id, declaredSize), null, CancellationToken.None);
        writer.Append(new ReadOnlySequence<byte>(content), null, null);
    }

    public static CommitRequest Finish(long size) => new(size, new Dictionary<string, string>());

    public static byte[] Content(int length, int seed = 1)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        return content;
    }

    public void Dispose()
    {
        Area.Dispose();
        _directory.Dispose();
    }

    private StagingArea Open()
    {
        var metrics = new StagingMetrics(new TestMeters());
        var context = new StagingContext(Options, Layout, metrics, Clock, NullLogger.Instance, ValidateContent, (_, wishes, _, _) => wishes?.OfUpload ?? []);
        return new StagingArea(context, new SpaceLedger(() => Space?.Invoke() ?? Volume.Measure(Layout)(), Options));
    }

    private ImageValidation ValidateContent(
        ImageClaim claim, Microsoft.Win32.SafeHandles.SafeFileHandle file, long available, bool complete) =>
        Validate?.Invoke(claim, file, available, complete) ?? ImageValidation.Nothing;

    private sealed class TestMeters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(options);

        public void Dispose()
        {
        }
    }
}
