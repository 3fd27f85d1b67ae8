using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sidecar.Import.Core;
using Sidecar.Import.Inspection.Core;
using Sidecar.Import.Processes;
using Sidecar.Import.Processes.Limits;
using Sidecar.Import.Settings;
using Sidecar.Import.Tools;

namespace Sidecar.Import.Conversion;

/// <summary>The two things that imports want of qemu-img, as fixed lists of arguments.</summary>
internal sealed class QemuImg(ChildRunner runner, IOptions<ImportOptions> options)
{
    // It answers in under 200 bytes; anything longer is not an answer.
    private const int MaxAnswerChars = 4096;

    private readonly ConversionOptions _options = options.Value.Conversion;

    /// <summary>
    /// Bytes that the image's data takes, with qcow2's own around it: an upper bound for every sparse output.
    /// </summary>
    /// <exception cref="ImportException">Tool errors and limits.</exception>
    public async Task<long> MeasureAsync(
        string path, string format, string workingDirectory, CancellationToken cancellationToken)
    {
        var answer = new StringBuilder();
        var limits = Limits(_options.MeasureCpuTime, 0, _options.MeasureTimeout);
        string[] arguments = ["measure", "--output=json", "-O", "qcow2", .. QemuFormats.Source(path, format)];
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
            PromisedBytes = _options.PromisedMemoryBytes,
        };

    private List<string> ConvertArguments(QemuConversion conversion)
    {
        List<string> arguments =
        [
            "convert", "-p", "-t", _options.OutputCache, "-T", _options.InputCache,
            "-O", QemuFormats.NameOf(conversion.TargetFormat),
        ];
        if (conversion.TargetFormat == DiskFormats.Vmdk) arguments.AddRange(["-o", $"subformat={_options.VmdkSubformat}"]);
        arguments.AddRange([.. QemuFormats.Source(conversion.Source, conversion.SourceFormat), conversion.Target]);
        return arguments;
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
