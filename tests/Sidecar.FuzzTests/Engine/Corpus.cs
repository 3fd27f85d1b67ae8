using System.IO.Compression;
using System.Security.Cryptography;

namespace Sidecar.FuzzTests.Engine;

/// <summary>The inputs that reached something new, from which further ones are made.</summary>
/// <param name="keepIn">Where each is written to; null: nowhere.</param>
internal sealed class Corpus(string? keepIn)
{
    private readonly List<byte[]> _inputs = [];

    // Of each input, the sum of the weights up to it.
    private readonly List<double> _weights = [];

    public int Count => _inputs.Count;

    /// <summary>Every file of a zip archive, in its order; none where there is no such archive.</summary>
    public static IEnumerable<byte[]> Read(string archive)
    {
        if (!File.Exists(archive)) yield break;
        using var kept = ZipFile.OpenRead(archive);
        foreach (var entry in kept.Entries)
        {
            using var content = entry.Open();
            using var bytes = new MemoryStream();
            content.CopyTo(bytes);
            yield return bytes.ToArray();
        }
    }

    public void Add(byte[] input)
    {
        _inputs.Add(input);
        // The time that an input takes grows with its length: the short ones are tried more often.
        _weights.Add((_weights.Count > 0 ? _weights[^1] : 0) + (1 / (1 + (input.Length / 4096.0))));
        if (keepIn is null) return;
        Directory.CreateDirectory(keepIn);
        File.WriteAllBytes(Path.Combine(keepIn, Convert.ToHexStringLower(SHA256.HashData(input))[..16]), input);
    }

    public byte[] Draw(Random random)
    {
        var at = _weights.BinarySearch(random.NextDouble() * _weights[^1]);
        return _inputs[at >= 0 ? at : ~at];
    }
}
