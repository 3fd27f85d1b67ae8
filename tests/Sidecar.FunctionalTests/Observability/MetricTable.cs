using System.Text.RegularExpressions;

namespace Sidecar.FunctionalTests.Observability;

/// <summary>The table of metrics in docs/observability.md, as a page of a daemon would have it.</summary>
internal static partial class MetricTable
{
    /// <summary>Families that are only there once something happened that the tests' pods do not do.</summary>
    public static readonly string[] Rare =
    [
        "glance_staging_admission_rejected_total",
        "glance_staging_child_processes_total",
        "glance_staging_child_duration_seconds",
        "glance_staging_download_retries_total",
        "glance_staging_transfer_bytes_total",
        "glance_staging_hand_overs_total",
        "glance_staging_upload_resumes_total",
        "glance_staging_janitor_removed_total",
        "glance_staging_reattaches_total",
        "glance_staging_connections_closed_total",
        "glance_staging_duplicates_total",
        "glance_staging_forwards_not_here_total",
        "glance_staging_locates_total",
        "glance_staging_ingest_requests_total", "glance_staging_ingest_received_bytes_total", "glance_staging_ingest_tickets_refused_total",
        "glance_staging_locate_duration_seconds",
        "glance_staging_upload_digested_bytes_total", "glance_staging_oldest_image_timestamp_seconds",
        "glance_staging_peer_certificate_expiry_timestamp_seconds", // with TLS only
    ];

    /// <summary>
    /// A row for each family of the product: name, type, labels (but for <c>error_type</c>), meaning.
    /// </summary>
    public static IEnumerable<string> Rows(string page)
    {
        var (help, type) = ("", "");
        var labels = new SortedSet<string>(StringComparer.Ordinal);
        var name = "";
        foreach (var line in page.Split('\n').Append("# TYPE end gauge"))
        {
            var words = line.Split(' ', 4);
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                if (Ours().IsMatch(name)) yield return $"| `{name}` | {type} | {string.Join(", ", labels)} | {help} |";
                (name, type, help) = (words[2], words[3], "");
                labels.Clear();
            }
            else if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                help = words[3];
            }
            else
            {
                labels.UnionWith(Labels().Matches(line).Select(match => match.Groups[1].Value)
                    .Where(label => label is not ("le" or "error_type")));
            }
        }
    }

    [GeneratedRegex("^(glance_staging|rpc|process)_")]
    private static partial Regex Ours();

    [GeneratedRegex("[{,]([a-z_]+)=\"")]
    private static partial Regex Labels();
}
