using Microsoft.Win32.SafeHandles;
using Sidecar.Import.Decompression.Core;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Decompression.Codecs;

/// <summary>
/// lha, which Glance unpacks too: archives with one file. Unpacked by lhasa, which writes the content of every member and
/// checks none of it; so the members are counted before, and the content is held against its header.
/// </summary>
internal sealed class LhaCompression : Compression
{
    // Nobody packs a disk with so many folders.
    private const int MaxMembers = 1024;

    // The methods that lhasa knows; others of the name are of the authors' own.
    private static readonly string[] Methods = ["-lh0-", "-lh1-", "-lh4-", "-lh5-", "-lh6-", "-lh7-", "-lhx-"];

    public override string Name => "lha";

    public override async ValueTask<DecompressionReader> OpenAsync(SafeFileHandle file, StartFilter start, Action keepOn)
    {
        var window = new FileWindow(file);
        var (member, end) = FindFile(window, keepOn);
        if (end > window.Length) throw DecompressionReader.Corrupt(Name, "it is cut short");
        if (!Methods.Contains(member.Method)) throw UnsupportedCompression.Refusal($"{Name} ({member.Method})", Name);
        var program = await start(Tool.Lhasa, ["pq2", "-"], new Extent(end, 0));
        return new LhaReader(file, new ProgramReader(file, Name, program), member) { LeftOutBytes = window.Length - end };
    }

    public override bool Matches(ReadOnlySpan<byte> head) => LhaMember.Matches(head);

    /// <summary>The only file, and where the members end.</summary>
    private (LhaMember File, long End) FindFile(FileWindow window, Action keepOn)
    {
        LhaMember? file = null;
        var offset = 0L;
        for (var count = 0; LhaMember.Read(window, offset) is { } member; count++)
        {
            keepOn();
            if (count == MaxMembers || (file != null && !member.IsDirectory))
            {
                throw DecompressionReader.Unsupported(Name, "there is more than one file in it");
            }

            if (!member.IsDirectory) file = member;
            offset = member.Next;
        }

        if (offset == 0)
        {
            throw LhaMember.IsOfNewerLevel(window)
                ? DecompressionReader.Unsupported(Name, "its header is of a level that is not read") : DecompressionReader.Corrupt(Name, "its header is damaged");
        }

        // A zero ends the archive, which some writers leave out.
        if (window.Read(offset, 1) is [0]) offset++;
        return (file ?? throw DecompressionReader.Unsupported(Name, "there is no file in it"), offset);
    }
}
