using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Glance.Tests.Harness.Servers;

/// <summary>
/// The files by which an httpd gives uploads to the sidecar, as the chart's README has them: what people copy is what is tried. Only
/// where things are differs, and the user.
/// </summary>
/// <param name="socket">Where the sidecar takes uploads.</param>
/// <param name="upstream">Address and port at which it asks Glance.</param>
internal sealed class HttpdFiles(string socket, string upstream)
{
    /// <summary>Glance itself, in the directory of programs.</summary>
    public const string Program = "glance-wsgi";

    /// <summary>What glance-operator's httpd includes at its top.</summary>
    public const string BesideModules = "conf.modules.d";

    /// <summary>What it includes in each virtual host.</summary>
    public const string InVirtualHosts = "conf_custom";

    private const string OperatorsPrograms = "/var/www/cgi-bin/glance";

    private static readonly string Readme =
        File.ReadAllText(Path.Combine(PluginPackage.RepoRoot, "charts", "glance-staging-sidecar", "README.md"));

    public void Write(string serverRoot, string programs)
    {
        Write(Path.Combine(serverRoot, InVirtualHosts), "httpd_custom_staging_sidecar.conf",
            ("/var/lib/glance-staging-sidecar/ingest.sock", socket));
        Write(Path.Combine(serverRoot, BesideModules), "99-staging-sidecar.conf",
            ("127.0.0.1:9293", upstream), (OperatorsPrograms, programs),
            ("user=glance group=glance", "user=www-data group=root umask=0007"));
    }

    private static void Write(string directory, string name, params (string Theirs, string Ours)[] names)
    {
        var text = Block(name);
        foreach (var (theirs, ours) in names)
        {
            Assert.That(text, Does.Contain(theirs), name);
            text = text.Replace(theirs, ours, StringComparison.Ordinal);
        }

        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, name), text);
    }

    // Indented, as Markdown has code.
    private static string Block(string name)
    {
        var block = Regex.Match(
            Readme, $"<!-- {Regex.Escape(name)}:.*?-->\n(.*?)<!-- end {Regex.Escape(name)} -->", RegexOptions.Singleline);
        Assert.That(block.Success, Is.True, name);
        return Regex.Replace(block.Groups[1].Value, "^    ", "", RegexOptions.Multiline);
    }
}
