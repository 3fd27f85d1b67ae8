using System.Globalization;

namespace Glance.Tests.Harness.Servers;

/// <summary>gunicorn's gthread worker, one process.</summary>
/// <param name="address">Address and port.</param>
/// <param name="threads">How many requests it works on at once.</param>
/// <param name="environment">Where Glance finds its configuration and modules.</param>
internal sealed class Gunicorn(string address, int threads, (string Name, string Value)[] environment) : IApiServer
{
    public const string Booting = "Booting worker with pid: ";

    /// <summary>Of the one that is installed.</summary>
    public static async Task<Version> VersionAsync() =>
        Version.Parse((await Command.RunAsync(["/usr/bin/python3", "/usr/bin/gunicorn", "--version"])).Split(' ')[^1].TrimEnd(')', '\n'));

    public Command Start() => Command.Start(
        ["/usr/bin/python3", "/usr/bin/gunicorn", "--worker-class", "gthread", "--threads", threads.ToString(CultureInfo.InvariantCulture), "--workers", "1",
        "--bind", address, "--timeout", "300", "--access-logfile", "-", "glance.common.wsgi_app:init_app()"],
        environment);
}
