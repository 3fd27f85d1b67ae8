using System.Globalization;
using System.IO.Hashing;
using NUnit.Framework;
using Sidecar.Import.Core;

namespace Sidecar.Tests.Import;

/// <summary>What a sender asks of the memory of the programs that unpack it.</summary>
internal sealed class ImportMemoryTests : ImportTest
{
    [TestCase(35, 805306368)]
    [TestCase(40, 4294967295)]
    [CancelAfter(60_000)]
    public async Task Import_DictionaryThatNeverFits_IsRefusedBeforeItIsUnpacked(
        int bits, long dictionary, CancellationToken cancellationToken)
    {
        Configure("MaxMemoryBytes", $"{512 << 20}");

        var import = await ImportAsync(Greedy((byte)bits), cancellationToken);

        Assert.That(import.Failure?.Error, Is.EqualTo(ImportError.CompressionUnsupported), import.Failure?.Message);
        Assert.That(long.Parse(import.Failure!.Facts["needed"], CultureInfo.InvariantCulture), Is.GreaterThan(dictionary));
        Assert.That(import.Failure.Message, Does.Contain("Import:MaxMemoryBytes"));
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task Import_SeveralThatFitOneByOne_AllSucceed(CancellationToken cancellationToken)
    {
        Configure("MaxMemoryBytes", $"{900 << 20}");
        Configure("MaxConcurrent", "4");
        var greedy = Greedy(35);

        var imports = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ImportAsync(greedy, cancellationToken)));

        Assert.That(imports.Select(import => import.Failure?.Message), Is.All.Null);
    }

    /// <summary>An xz file whose block header asks for another dictionary than it needs.</summary>
    private string Greedy(byte bits)
    {
        CommandLine.RunIn(Directory.Path, "sh", "-c", "head -c 3M /dev/urandom | xz -0 > greedy.xz");
        var packed = File.ReadAllBytes(Directory["greedy.xz"]);
        const int Start = 12;
        var header = packed.AsSpan(Start, (packed[Start] + 1) * 4);
        header[header.IndexOf([(byte)0x21, (byte)1]) + 2] = bits;
        BitConverter.TryWriteBytes(header[^4..], Crc32.HashToUInt32(header[..^4]));
        return Directory.Write("greedy.xz", packed);
    }
}
