using System.Globalization;
using System.Text.RegularExpressions;
using Sidecar.FunctionalTests.Infrastructure;

namespace Sidecar.FunctionalTests.Upgrade;

/// <summary>A staging directory that an older version left, laid out for today's daemon.</summary>
internal static class RecordedLayout
{
    // Where the recorded daemon had it; imports tell absolute paths.
    private const string RecordedAt = "/var/lib/glance/os_glance_staging_store";

    /// <summary>Nothing that was recorded is too old to be kept.</summary>
    public static string[] Settings =>
        ["--Staging:UploadRetention", "00:00:00", "--Import:Retention", "00:00:00", "--Staging:PodName", "glance-0"];

    /// <summary>Copies what was recorded to the place where <see cref="SidecarInstance"/> looks.</summary>
    public static void Lay(string name, TestDirectory directory)
    {
        var source = Path.Combine(RecordedMessages.Directory, name);
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(directory.Staging, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (Path.GetFileName(file) == "import.json" || file.Contains("/tombstones/", StringComparison.Ordinal))
            {
                File.WriteAllText(target, Localize(File.ReadAllText(file), directory));
            }
            else
            {
                File.Copy(file, target);
            }
        }
    }

    private static string Localize(string record, TestDirectory directory)
    {
        // Deletions are forgotten after a time that has an upper limit.
        var now = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture);
        return Regex.Replace(record, "(\"deleted_at\":\\s*)\"[^\"]*\"", $"$1\"{now}\"")
            .Replace(RecordedAt, directory.Staging, StringComparison.Ordinal);
    }
}
