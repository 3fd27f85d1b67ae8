using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Text;
using NUnit.Framework;

namespace Sidecar.CrashTests.Disk;

/// <summary>What happens to the operation that is hit, as <c>disk.c</c> numbers it.</summary>
internal enum DiskFault
{
    None,
    FailOne,
    FailFrom,
    KillBefore,
    KillAfter,
    HalfWrite,
}

/// <summary>
/// Watches every file operation of a daemon below its staging directory, through a library that is preloaded into it, and
/// lets one of them fail or be the last.
/// </summary>
internal sealed class WatchedDisk : IDisposable
{
    // struct control and struct event of disk.c.
    private const int CountAt = 0, TargetAt = 8, FaultAt = 16, ErrorAt = 20, HitsAt = 24, KindAt = 28;
    private const int EventBytes = 40;

    private static readonly Lazy<string> Library = new(Compile);

    private readonly string _directory;
    private readonly string _work;
    private readonly MemoryMappedFile _page;
    private readonly MemoryMappedViewAccessor _control;

    /// <param name="directory">The staging directory.</param>
    /// <param name="work">Where the log and the control page are; exists.</param>
    public WatchedDisk(string directory, string work)
    {
        (_directory, _work) = (directory, work);
        _page = MemoryMappedFile.CreateFromFile(Path.Combine(work, "control"), FileMode.Create, null, 4096);
        _control = _page.CreateViewAccessor();
    }

    /// <summary>Operations so far, of all daemons together.</summary>
    public long Count => _control.ReadInt64(CountAt);

    /// <summary>Operations that the fault has hit.</summary>
    public int Hits => _control.ReadInt32(HitsAt);

    /// <summary>Kind of the operation that was hit last.</summary>
    public OperationKind HitKind => (OperationKind)_control.ReadInt32(KindAt);

    private string Log => Path.Combine(_work, "operations");

    /// <summary>A command that makes a daemon one that is watched.</summary>
    /// <param name="otherBoot">Its start is one after a power loss.</param>
    public string[] Launcher(bool otherBoot = false)
    {
        string[] boot = otherBoot ? [$"DISK_BOOT_ID={OtherBoot()}"] : [];
        return
        [
            "env", $"LD_PRELOAD={Library.Value}", $"DISK_DIRECTORY={_directory}", $"DISK_CONTROL={Path.Combine(_work, "control")}",
            $"DISK_LOG={Log}", .. boot,
        ];
    }

    /// <summary>A fault of the n-th operation from now on.</summary>
    public void Arm(DiskFault fault, long n, int error = 0)
    {
        _control.Write(HitsAt, 0);
        _control.Write(ErrorAt, error);
        _control.Write(TargetAt, Count + n);
        _control.Write(FaultAt, (int)fault);
    }

    public void Disarm() => _control.Write(FaultAt, (int)DiskFault.None);

    public List<Operation> ReadLog()
    {
        var log = File.ReadAllBytes(Log).AsMemory();
        var operations = new List<Operation>();
        while (log.Length > 0)
        {
            var header = log.Span[..EventBytes];
            var kind = (OperationKind)BinaryPrimitives.ReadInt32LittleEndian(header[24..]);
            var lengths = (Path: Int(header, 28), Other: Int(header, 32), Content: Int(header, 36));
            var path = Text(log.Slice(EventBytes, lengths.Path));
            var other = Text(log.Slice(EventBytes + lengths.Path, lengths.Other));
            var content = log.Slice(EventBytes + lengths.Path + lengths.Other, lengths.Content);
            operations.Add(new Operation(Long(header, 0), kind, Long(header, 8), path, other, Long(header, 16), content));
            log = log[(EventBytes + lengths.Path + lengths.Other + lengths.Content)..];
        }

        return operations;

        static int Int(ReadOnlySpan<byte> header, int at) => BinaryPrimitives.ReadInt32LittleEndian(header[at..]);
        static long Long(ReadOnlySpan<byte> header, int at) => BinaryPrimitives.ReadInt64LittleEndian(header[at..]);
    }

    public void Dispose()
    {
        _control.Dispose();
        _page.Dispose();
    }

    private string Text(ReadOnlyMemory<byte> path)
    {
        var text = Encoding.UTF8.GetString(path.Span);
        return text.StartsWith(_directory, StringComparison.Ordinal) ? text[_directory.Length..].Trim('/') : text;
    }

    private string OtherBoot()
    {
        var file = Path.Combine(_work, "boot_id");
        File.WriteAllText(file, $"{Guid.NewGuid()}\n");
        return file;
    }

    private static string Compile()
    {
        var source = Path.Combine(TestContext.CurrentContext.TestDirectory, "Disk", "disk.c");
        var library = Path.Combine(TestContext.CurrentContext.TestDirectory, "disk.so");
        using var compiler = Process.Start("gcc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"]);
        compiler.WaitForExit();
        return compiler.ExitCode == 0 ? library : throw new InvalidOperationException("gcc refused disk.c");
    }
}
