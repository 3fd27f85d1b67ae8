using System.Text;

namespace Sidecar.Hosting.Configuration;

/// <summary>The text of <c>--help</c>.</summary>
internal static class Help
{
    public static string Text()
    {
        var text = new StringBuilder();
        text.Append("Usage: Sidecar [--config FILE] [--KEY VALUE]...\n");
        text.Append("       Sidecar webhook [--config FILE] [--KEY VALUE]...   the admission webhook; section Webhook\n\n");
        text.Append("The Glance staging sidecar: owns a pod's staging directory, receives uploads over gRPC and runs\n");
        text.Append("import stages over them. Starts without any setting. Each key below may be given on the command\n");
        text.Append("line (--Staging:Directory /data), as an environment variable (SIDECAR_Staging__Directory=/data)\n");
        text.Append("or in a JSON file (--config FILE, or SIDECAR_CONFIG); the command line wins, then the\n");
        text.Append("environment. Lists take an index: --Staging:Digests:0 sha256.\n\n");
        foreach (var setting in Settings.All)
        {
            text.Append("  --").Append(setting.Key.PadRight(40)).Append("default: ")
                .Append(setting.Default.Length > 0 ? setting.Default : "none");
            if (setting.Allowed.Length > 0) text.Append("; allowed: ").Append(setting.Allowed);
            text.Append('\n');
        }

        text.Append("\nExit codes: 0 stopped by a signal, 1 the start failed or it stopped by itself, 2 a setting is wrong.\n");
        return text.ToString();
    }
}
