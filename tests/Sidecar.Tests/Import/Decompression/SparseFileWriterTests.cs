using System.Globalization;
using NUnit.Framework;
using Sidecar.Import.Decompression;
using Sidecar.Tests.Infrastructure;

namespace Sidecar.Tests.Import.Decompression;

internal sealed class SparseFileWriterTests : IDisposable
{
    private const int Block = 64 << 10;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Test]
    public void Append_DataAndZeros_SameBytesWithHoles()
    {
        byte[] content = [.. TestImages.Noise(Block), .. new byte[100 * Block], .. TestImages.Noise(Block + 17), 0, 0];

        var writer = Write(content);

        Assert.That(File.ReadAllBytes(_directory["file"]), SameBytes.As(content));
        Assert.That(writer.WrittenBytes, Is.EqualTo((2 * Block) + 19));
        var blocks = CommandLine.Run("stat", "--format=%b", _directory["file"]);
        Assert.That(long.Parse(blocks, CultureInfo.InvariantCulture) * 512, Is.LessThan(5 * Block));
    }

    [Test]
    public void Finish_OnlyZeros_HasTheLength()
    {
        Write(new byte[10 * Block]);

        Assert.That(new FileInfo(_directory["file"]).Length, Is.EqualTo(10 * Block));
    }

    private SparseFileWriter Write(byte[] content)
    {
        using var file = File.OpenHandle(_directory["file"], FileMode.Create, FileAccess.ReadWrite);
        var writer = new SparseFileWriter(file, _ => { });
        writer.Append(content);
        writer.Finish();
        return writer;
    }
}
