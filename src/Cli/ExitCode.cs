namespace Stagectl;

/// <summary>What the shell gets. Scripts rely on these: never change one.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The sidecar refused or failed.</summary>
    public const int Refused = 1;

    /// <summary>Wrong arguments, or a local file that cannot be read or written.</summary>
    public const int Usage = 2;

    /// <summary>The sidecar cannot be reached, or does not answer in time.</summary>
    public const int Unreachable = 3;

    /// <summary>The sidecar does not have what was asked for.</summary>
    public const int NotFound = 4;

    /// <summary>Ctrl-C or SIGTERM; 128 + SIGINT, as shells have it.</summary>
    public const int Interrupted = 130;

    public const string Help =
        """
        Exit codes:
          0    done
          1    the sidecar refused or failed; the message names the reason
          2    wrong arguments, or a local file that cannot be read or written
          3    the sidecar cannot be reached, or did not answer in time
          4    the sidecar does not have this image, upload or import
          130  interrupted
        """;
}
