using NUnit.Framework;
using Sidecar.Staging.Files;
using Stagectl.Failures;
using Stagectl.Transfer;

namespace Stagectl.Tests;

internal sealed class PipeSourceTests
{
    private const int WindowBytes = 1000;

    private readonly byte[] _data = [.. Enumerable.Range(0, 5000).Select(number => (byte)(number * 31))];

    [Test]
    public async Task Seek_WithinTheWindow_ReadsTheSameBytesAndChecksumAgain()
    {
        using var source = new PipeSource(new MemoryStream(_data), WindowBytes);
        var buffer = new byte[300];
        while (source.Offset < 3000) await source.ReadAsync(buffer, CancellationToken.None);

        await source.SeekAsync(2345, CancellationToken.None);
        Assert.That(source.Crc32C, Is.EqualTo(Crc32C.Append(Crc32C.Empty, _data.AsSpan(0, 2345))));
        var read = await source.ReadAsync(buffer, CancellationToken.None);
        Assert.That(buffer[..read], Is.EqualTo(_data[2345..(2345 + read)]));

        await source.SkipToEndAsync(CancellationToken.None);
        Assert.That(source.Size, Is.EqualTo(_data.Length));
        Assert.That(source.Crc32C, Is.EqualTo(Crc32C.Append(Crc32C.Empty, _data)));
    }

    [Test]
    public async Task Seek_BeforeTheWindow_IsRefused()
    {
        using var source = new PipeSource(new MemoryStream(_data), WindowBytes);
        await source.SkipToEndAsync(CancellationToken.None);

        await Assert.ThatAsync(
            async () => await source.SeekAsync(_data.Length - WindowBytes - 1, CancellationToken.None),
            Throws.InstanceOf<CommandException>());
    }
}
