using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using Sidecar.HotPaths;

// Measures what every chunk of an upload passes, and prints one table. Usage: Sidecar.HotPaths [--filter GLOB...]
var log = new LogCapture();
var directory = Directory.CreateTempSubdirectory("hot-paths-");
try
{
    var summaries = BenchmarkSwitcher.FromAssembly(typeof(HotPath).Assembly)
        .Run(args is [] ? ["--filter", "*"] : args, HotPathsConfig.Create(log, directory.FullName))
        .ToList();
    var isWhole = summaries.Count > 0 && summaries.All(
        summary => !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success));
    if (!isWhole) await Console.Error.WriteLineAsync(string.Concat(log.CapturedOutput.Select(line => line.Text)));
    foreach (var summary in summaries) MarkdownExporter.Console.ExportToLog(summary, ConsoleLogger.Ascii);
    return isWhole ? 0 : 1;
}
finally
{
    directory.Delete(recursive: true);
}
