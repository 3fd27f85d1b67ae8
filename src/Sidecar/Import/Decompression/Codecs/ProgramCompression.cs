using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>
/// What its own, well-kept program unpacks, bound as every child process is: it gets the file on standard input, opens
/// none itself and may write none.
/// </summary>
/// <param name="name">For messages and facts.</param>
/// <param name="own">Arguments of this program alone.</param>
internal sealed class ProgramCompression(
    string name, Tool tool, Recognize recognize, FindExtent find, params string[] own) : Compression
{
    // To standard output, and quietly about what is no error. All of them read standard input when no file is named.
    // bzip2 alone would leave out what is damaged without a word and without an error.
    private readonly string[] _arguments = [tool == Tool.Bzip2 ? "-dc" : "-dcq", .. own];

    public override string Name => name;

    public override async ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn)
    {
        var window = new FileWindow(file);
        var extent = find(window, keepOn);
        if (extent.IsDamaged) throw DecompressionReader.Corrupt(Name, "a part of it is damaged");
        return new ProgramReader(file, Name, await start(tool, _arguments, extent)) { LeftOutBytes = window.Length - extent.End };
    }

    public override bool Matches(ReadOnlySpan<byte> head) => recognize(head);
}

/// <summary>Whether a file that begins like this is of a kind.</summary>
internal delegate bool Recognize(ReadOnlySpan<byte> head);
