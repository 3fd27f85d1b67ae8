using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Processes;
using Sidecar.Import.Settings;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Stages;

/// <summary>The three things that imports want of qemu-img, as fixed lists of arguments.</summary>
internal sealed class QemuImg(ChildRunner runner, IOptions<ImportOptions> options)
{
    // It answers in under 200 bytes; anything longer is not an answer.
    private const int MaxAnswerChars = 4096;

    // The tables of a disk as large as is allowed, a cache of them, and the requests in flight.
    private const long PromisedBytes = 256 << 20;

    // Of measuring: the CPU limit is what ends a malicious image, this only what ends a dead disk.
    private const int MeasureTimeoutFactor = 10;

    // As far as the last mark that tells what a disk is: that of an ISO.
    private const int BeginningBytes = 64 << 10;

    private static readonly FrozenDictionary<string, string> QemuNames = new Dictionary<string, string>
    {
        [DiskFormats.Raw] = "raw",
        [DiskFormats.Qcow2] = "qcow2",
        [DiskFormats.Vmdk] = "vmdk",
        [DiskFormats.Vhd] = "vpc",
        [DiskFormats.Vhdx] = "vhdx",
        [DiskFormats.Vdi] = "vdi",
    }.ToFrozenDictionary();

    private readonly ConversionOptions _options = options.Value.Conversion;

    public static bool CanRead(string format) => QemuNames.ContainsKey(format);

    /// <summary>
    /// Bytes that the image's data takes, with qcow2's own around it: an upper bound for every sparse output.
    /// </summary>
    /// <exception cref="ImportException">Tool errors and limits.</exception>
    public async Task<long> MeasureAsync(
        string path, string format, string workingDirectory, CancellationToken cancellationToken)
    {
        var answer = new StringBuilder();
        var limits = Limits(_options.MeasureCpuTime, 0, _options.MeasureCpuTime * MeasureTimeoutFactor);
        string[] arguments = ["measure", "--output=json", "-O", "qcow2", .. Source(path, format)];
        var outcome = await runner.RunAsync(
            new ChildCommand(Tool.QemuImg, arguments, workingDirectory, limits, Keep) { Input = path }, cancellationToken);
        if (outcome.End != ChildEnd.Succeeded) throw ToolFailures.Describe(Tool.QemuImg, outcome, limits);
        return ReadRequired(answer.ToString())
            ?? throw ToolFailures.Describe(Tool.QemuImg, outcome with { ErrorText = "unreadable answer" }, limits);

        void Keep(ReadOnlySpan<char> text)
        {
            if (answer.Length < MaxAnswerChars) answer.Append(text);
        }
    }

    /// <summary>Writes the first bytes of the disk to the target, which is there already, as a raw file.</summary>
    /// <exception cref="ImportException">Tool errors and limits.</exception>
    public async Task ReadBeginningAsync(QemuConversion reading, CancellationToken cancellationToken)
    {
        var timeout = _options.MeasureCpuTime * MeasureTimeoutFactor;
        var limits = Limits(_options.MeasureCpuTime, BeginningBytes, timeout < _options.Timeout ? timeout : _options.Timeout);
        string[] arguments =
        [
            "dd", "-O", QemuNames[DiskFormats.Raw], "bs=512", $"count={BeginningBytes / 512}",
            .. Source(reading.Source, reading.SourceFormat, "if="), $"of={reading.Target}",
        ];
        var command = new ChildCommand(Tool.QemuImg, arguments, reading.WorkingDirectory, limits, _ => { })
        {
            Input = reading.Source, Output = reading.Target,
        };
        var outcome = await runner.RunAsync(command, cancellationToken);
        if (outcome.End != ChildEnd.Succeeded) throw ToolFailures.Describe(Tool.QemuImg, outcome, limits);
    }

    /// <param name="conversion">Its target is there already, and empty: qemu-img may make no files.</param>
    /// <param name="report">Called with the part that is done, from 0 to 1.</param>
    /// <exception cref="ImportException">Tool errors and limits.</exception>
    public async Task ConvertAsync(
        QemuConversion conversion, Action<double> report, CancellationToken cancellationToken)
    {
        var limits = Limits(_options.MaxCpuTime, _options.MaxOutputBytes, _options.Timeout);
        var progress = new QemuProgress(report);
        var outcome = await runner.RunAsync(
            new ChildCommand(
                Tool.QemuImg, ConvertArguments(conversion), conversion.WorkingDirectory, limits, progress.Append)
            {
                Input = conversion.Source, Output = conversion.Target,
            },
            cancellationToken);
        if (outcome.End == ChildEnd.Succeeded) return;
        // The kernel tells by a signal or, where that is ignored, by EFBIG.
        var tooLarge = outcome.End == ChildEnd.FileSizeLimit
            || outcome.ErrorText.Contains("File too large", StringComparison.Ordinal);
        throw tooLarge ? TooLarge(_options.MaxOutputBytes) : ToolFailures.Describe(Tool.QemuImg, outcome, limits);
    }

    public static ImportException TooLarge(long limit) => new(
        ImportError.OutputTooLarge,
        $"The converted image would be larger than {limit} bytes, which is the limit "
        + "(Import:Conversion:MaxOutputBytes).",
        ("limit", limit));

    private ChildLimits Limits(TimeSpan cpuTime, long fileBytes, TimeSpan timeout) =>
        new(_options.MaxMemoryBytes, cpuTime, fileBytes, timeout)
        {
            PromisedBytes = Math.Min(_options.MaxMemoryBytes, PromisedBytes),
        };

    private List<string> ConvertArguments(QemuConversion conversion)
    {
        List<string> arguments =
        [
            "convert", "-p", "-t", _options.OutputCache, "-T", _options.InputCache,
            "-O", QemuNames[conversion.TargetFormat],
        ];
        // Out of order is for targets without allocation: a qcow2 or vmdk would become fragmented, or fail.
        if (conversion.TargetFormat == DiskFormats.Raw)
        {
            arguments.AddRange(["-W", "-m", _options.Coroutines.ToString(CultureInfo.InvariantCulture)]);
        }
        else if (conversion.TargetFormat == DiskFormats.Vmdk)
        {
            arguments.AddRange(["-o", $"subformat={_options.VmdkSubformat}"]);
        }

        arguments.AddRange([.. Source(conversion.Source, conversion.SourceFormat), conversion.Target]);
        return arguments;
    }

    /// <summary>
    /// How qemu-img is told what it reads. Of a VHD it would believe the geometry, which holds less than the disk, unless it
    /// knows the program that made it; the size in the footer is what Hyper-V and the inspection go by.
    /// </summary>
    private static string[] Source(string path, string format, string prefix = "")
    {
        if (format != DiskFormats.Vhd) return ["-f", QemuNames[format], prefix + path];
        var file = path.Replace(",", ",,", StringComparison.Ordinal);
        return
        [
            "--image-opts",
            $"{prefix}driver=vpc,force_size_calc=current_size,file.driver=file,file.filename={file}",
        ];
    }

    private static long? ReadRequired(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.TryGetProperty("required", out var required)
                && required.TryGetInt64(out var bytes) && bytes >= 0 ? bytes : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
