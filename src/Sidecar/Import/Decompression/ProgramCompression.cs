using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Processes;

namespace Sidecar.Import.Decompression;

/// <summary>Starts a program that gets the file on standard input.</summary>
internal delegate Task<ChildFilter> StartFilter(Tool tool, IReadOnlyList<string> arguments);

/// <summary>
/// What its own, well-kept program unpacks, bound as every child process is: it gets the file on standard input, opens
/// none itself and may write none.
/// </summary>
/// <param name="magic">The bytes that every such file begins with, in hexadecimal; ?? stands for any byte.</param>
/// <param name="own">Arguments of this program alone.</param>
internal sealed class ProgramCompression(Tool tool, string magic, params string[] own) : Compression
{
    // To standard output, and quietly about what is no error. All of them read standard input when no file is named.
    private readonly string[] _arguments = ["-dcq", .. own];

    private readonly byte?[] _magic = [.. magic.Split(' ').Select(Parse)];

    public override string Name => ToolPaths.NameOf(tool);

    public override async ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start) =>
        new ProgramReader(file, Name, await start(tool, _arguments));

    protected override bool Matches(ReadOnlySpan<byte> head)
    {
        if (head.Length < _magic.Length) return false;
        for (var i = 0; i < _magic.Length; i++)
        {
            if (_magic[i] is { } expected && head[i] != expected) return false;
        }

        return true;
    }

    private static byte? Parse(string digits) => digits == "??" ? null : Convert.FromHexString(digits)[0];
}
