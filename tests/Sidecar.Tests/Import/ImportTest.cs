using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Sidecar.Import;
using Sidecar.Import.Core;
using Sidecar.Import.Queue;
using Sidecar.Staging.Core;
using Sidecar.Staging.Space;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import;

/// <summary>
/// The whole slice as the daemon puts it together, over a staging directory of its own. The volume is as large as
/// <see cref="FreeBytes"/> says.
/// </summary>
internal abstract class ImportTest
{
    private readonly Dictionary<ImageId, StagedImage> _images = [];
    private readonly Dictionary<string, string?> _settings = [];
    private ServiceProvider? _services;

    protected TempDirectory Directory { get; } = new();

    protected long FreeBytes { get; set; } = 1L << 50;

    protected string StagingDirectory { get; set; } = "";

    protected StagingLayout Layout => Services.GetRequiredService<StagingLayout>();

    protected SpaceLedger Space => Services.GetRequiredService<SpaceLedger>();

    protected ImportQueue Queue => Services.GetRequiredService<ImportQueue>();

    private ServiceProvider Services => _services ??= Build();

    [SetUp]
    public void ChooseStagingDirectory() => StagingDirectory = Directory["staging"];

    [TearDown]
    public async Task StopAndRemove()
    {
        if (_services != null)
        {
            await Queue.StopAsync(CancellationToken.None);
            await _services.DisposeAsync();
        }

        Directory.Dispose();
    }

    protected void Configure(string key, string value) => _settings[$"Import:{key}"] = value;

    /// <summary>As after a restart of the daemon, and without the grace of a stop.</summary>
    protected void ForgetEverything() => _services = null;

    protected ImageId Stage(string path)
    {
        var id = ImageId.New();
        System.IO.Directory.CreateDirectory(Layout.Directory);
        File.Copy(path, Layout.ImageFile(id));
        var length = new FileInfo(path).Length;
        lock (_images)
        {
            _images[id] = new StagedImage(
                id, length, new Dictionary<string, string>(), "", ImageOrigin.Uploaded, DateTimeOffset.UnixEpoch);
        }

        return id;
    }

    /// <summary>As if the upload had been configured to compute it.</summary>
    protected void SetDigest(ImageId id, string algorithm, string hex)
    {
        lock (_images) _images[id] = _images[id] with { Digests = new Dictionary<string, string> { [algorithm] = hex } };
    }

    protected void Unstage(ImageId id)
    {
        lock (_images) _images.Remove(id);
        File.Delete(Layout.ImageFile(id));
    }

    protected static ImportRequest Request(ImageId image) => new() { ImportId = Guid.NewGuid(), ImageId = image };

    /// <summary>Stages, imports and waits.</summary>
    protected Task<ImportSnapshot> ImportAsync(string path, CancellationToken cancellationToken) =>
        RunAsync(Request(Stage(path)), cancellationToken);

    protected async Task<ImportSnapshot> RunAsync(ImportRequest request, CancellationToken cancellationToken) =>
        await EndOf(Queue.Start(request).ImportId, cancellationToken);

    protected async Task<ImportSnapshot> EndOf(Guid importId, CancellationToken cancellationToken) =>
        await UntilAsync(importId, import => import.IsFinished, cancellationToken);

    protected async Task<ImportSnapshot> UntilAsync(
        Guid importId, Func<ImportSnapshot, bool> condition, CancellationToken cancellationToken)
    {
        ImportSnapshot? last = null;
        await foreach (var import in Queue.WatchAsync(importId, cancellationToken))
        {
            last = import;
            if (condition(import)) return import;
        }

        throw new AssertionException($"The import ended before that: {last?.Failure}");
    }

    protected IEnumerable<string> WorkFiles(Guid importId) => System.IO.Directory
        .EnumerateFiles(Layout.ImportDirectory(importId)).Select(path => Path.GetFileName(path)).Order();

    /// <summary>A shell script in place of what converts: of qemu-nbd, and of qemu-img but for its measuring.</summary>
    protected void UseScriptAsQemu(string convert)
    {
        var script = $"#!/bin/sh\nif [ $1 = measure ]; then echo '{{\"required\": 1000}}'; exit; fi\n{convert}\n";
        var path = Directory.Write($"qemu-{Guid.NewGuid():N}.sh", System.Text.Encoding.UTF8.GetBytes(script));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Configure("Tools:QemuImg", path);
        Configure("Tools:QemuNbd", path);
        Configure("Confinement", "off"); // scripts start other programs, and write what the test reads
    }

    /// <summary>
    /// A program that names a directory by its process id, as the test sees it, and then waits for ever. It may write no files.
    /// </summary>
    /// <returns>The directory of that.</returns>
    protected string UseWaitingQemu()
    {
        var pid = Directory["pid"];
        CommandLine.Run("mkfifo", Started(pid));
        UseScriptAsQemu($"{TellIn(pid)}; echo > {Started(pid)}; exec sleep 1000");
        return pid;
    }

    /// <summary>Until the one that waits for ever has begun to.</summary>
    protected static Task UntilItWaitsAsync(string pid, CancellationToken cancellationToken) =>
        Task.Run(() => File.ReadAllText(Started(pid)), CancellationToken.None).WaitAsync(cancellationToken);

    /// <summary>For a script: makes a directory there that is named by its process id, as the test sees it.</summary>
    protected static string TellIn(string pid) => $"read id rest < /proc/self/stat; mkdir -p {pid}/$id";

    protected static bool IsGone(string pid) =>
        CommandLine.IsGone(Path.GetFileName(System.IO.Directory.EnumerateDirectories(pid).Single()));

    protected static void AssertSameDisk(string one, string format, string other, string otherFormat) =>
        CommandLine.Run("qemu-img", "compare", "-f", format, "-F", otherFormat, one, other);

    private static string Started(string pid) => pid + ".started";

    private ServiceProvider Build()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(
            new ConfigurationBuilder().AddInMemoryCollection(_settings).Build());
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace)).AddMetrics();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(new StagingLayout(StagingDirectory));
        services.AddSingleton(new SpaceLedger(
            () => new VolumeSpace(1L << 50, FreeBytes),
            new StagingOptions { ReserveBytes = 0, LowWatermarkPercent = 0, HighWatermarkPercent = 0 }));
        services.AddSingleton<Func<ImageId, StagedImage>>(FindImage);
        services.AddImports();
        var provider = services.BuildServiceProvider(validateScopes: true);
        System.IO.Directory.CreateDirectory(provider.GetRequiredService<StagingLayout>().Private);
        return provider;
    }

    private StagedImage FindImage(ImageId id)
    {
        lock (_images)
        {
            return _images.GetValueOrDefault(id)
                ?? throw new StagingException(StagingError.ImageNotFound, $"Image {id} is not staged here.");
        }
    }
}
