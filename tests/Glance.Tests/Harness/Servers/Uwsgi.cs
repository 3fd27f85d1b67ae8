using System.Globalization;

namespace Glance.Tests.Harness.Servers;

/// <summary>uWSGI with native threads, one process, which speaks HTTP itself.</summary>
/// <param name="address">Address and port.</param>
/// <param name="threads">How many requests it works on at once.</param>
/// <param name="environment">Where Glance finds its configuration and modules.</param>
internal sealed class Uwsgi(string address, int threads, (string Name, string Value)[] environment) : IApiServer
{
    public Command Start() => Command.Start(
        [
            "/usr/bin/uwsgi_python3", "--http-socket", address, "--module", "glance.common.wsgi_app:init_app()", "--need-app",
            "--processes", "1", "--enable-threads", "--threads", threads.ToString(CultureInfo.InvariantCulture),
            "--buffer-size", "65535", "--die-on-term",
        ],
        environment);
}
