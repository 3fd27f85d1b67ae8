using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Import.Core;
using Sidecar.Import.Inspection;
using Sidecar.Import.Inspection.Core;
using Sidecar.Staging.Core;

namespace Sidecar.FuzzTests.Targets;

/// <summary>
/// All inspectors, over a whole image and over a beginning of it: what is refused of the beginning must be refused of the whole,
/// as an upload is ended for it.
/// </summary>
internal sealed class InspectionTarget : IFuzzTarget
{
    private const long MaxVirtualSize = 1L << 45;

    // A beginning takes much longer: each format that needs more bytes says so by an exception.
    private const int BeginningEvery = 16;

    // Claims by which the validation goes different ways.
    private static readonly string[] Claims = ["", "raw", "qcow2", "vmdk", "vhd", "iso", "luks", "aki"];

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ImageInspector _inspector = new(MaxVirtualSize, []);
    private readonly FormatValidator _validator;

    public InspectionTarget() =>
        _validator = new FormatValidator(_inspector, new ImportMetrics(_services.GetRequiredService<IMeterFactory>()));

    public IReadOnlyList<byte[]> Words { get; } =
    [
        .. new[]
        {
            "QFI\xfb", "KDMV", "# Disk DescriptorFile\n", "# disk descriptorfile", "createType=\"monolithicSparse\"\n",
            "createType=\"streamOptimized\"\n", "RW 20480 SPARSE \"disk.vmdk\"\n", "RW 1 FLAT \"/etc/passwd\" 0\n", "COWD", "QED\0",
            "conectix", "cxsparse", "vhdxfile", "head", "regi", "metadata", "loge", "zero", "desc", "data",
            "<<< Oracle VM VirtualBox Disk Image >>>\n", "CD001", "LUKS\xba\xbe\0\u0001", "LUKS\xba\xbe\0\u0002", "WithoutFreeSpace",
            "WithouFreSpacExt", "EFI PART", "\x55\xaa", "NTFS    ", "FAT32   ", "qem2", "win ", "vpc ", "\x7f" + "10\xc0", "\r\n", "=",
        }.Select(Encoding.Latin1.GetBytes),
    ];

    public IEnumerable<byte[]> Seeds() => DiskSeeds.Make();

    public void Run(ReadOnlyMemory<byte> input)
    {
        var choice = input.Length == 0 ? 0 : input.Span[input.Length / 2] + input.Length;
        var claim = new ImageClaim(Claims[choice % Claims.Length], "bare");
        if (choice % BeginningEvery == 0) RunBeginning(input, claim, choice);
        var report = _inspector.Inspect(new ImageBytes(input, complete: true))!;
        if (report.FailedChecks.Count == 0 && report.VirtualSize is < 0 or > MaxVirtualSize)
        {
            throw new InvalidOperationException($"A virtual size of {report.VirtualSize} bytes is accepted.");
        }
    }

    public void Dispose() => _services.Dispose();

    private void RunBeginning(ReadOnlyMemory<byte> input, ImageClaim claim, int choice)
    {
        var beginning = input[..(int)((long)input.Length * (choice % 7) / 7)];
        if (Refusal(beginning, complete: false, claim) is not { } early || Refusal(input, complete: true, claim) is not null) return;
        throw new InvalidOperationException(
            $"The first {beginning.Length} bytes, claimed as '{claim.DiskFormat}', are refused ({early.Message}), and the whole is not.");
    }

    private ImportException? Refusal(ReadOnlyMemory<byte> bytes, bool complete, ImageClaim claim)
    {
        try
        {
            _validator.View(new ImageBytes(bytes, complete), claim);
            return null;
        }
        catch (ImportException refusal)
        {
            return refusal;
        }
    }
}
