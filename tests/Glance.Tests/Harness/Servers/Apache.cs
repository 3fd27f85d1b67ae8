using System.Globalization;

namespace Glance.Tests.Harness.Servers;

/// <summary>
/// Apache with mod_wsgi as glance-operator runs it: a virtual host, several processes with threads each, under a user that only
/// shares its group with the sidecar, and two places for more of a configuration.
/// </summary>
/// <param name="address">Address and port.</param>
/// <param name="environment">Where Glance finds its configuration and modules.</param>
internal sealed class Apache(string directory, string address, (string Name, string Value)[] environment) : IApiServer
{
    /// <summary>By which uploads go to the sidecar; null: they go to Python.</summary>
    public HttpdFiles? Ingest { get; init; }

    /// <summary>How long a client, or a process of Glance's, may be silent.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    private string Programs => Path.Combine(directory, "cgi-bin");

    public Command Start()
    {
        Directory.CreateDirectory(Programs);
        WriteProgram();
        Ingest?.Write(directory, Programs);
        File.WriteAllText(At("apache.conf"), string.Create(CultureInfo.InvariantCulture, $$"""
            ServerRoot {{directory}}
            ServerName localhost
            PidFile {{At("apache.pid")}}
            DefaultRuntimeDir {{directory}}
            Listen {{address}}
            User www-data
            Group root
            ErrorLog /dev/stderr
            LogFormat "%h %t \"%r\" %>s" short
            CustomLog /dev/stdout short
            LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
            LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
            LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
            LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
            LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
            LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
            LoadModule wsgi_module /usr/lib/apache2/modules/mod_wsgi.so
            Timeout {{Timeout.TotalSeconds}}
            IncludeOptional {{HttpdFiles.BesideModules}}/*.conf
            <VirtualHost {{address}}>
              ServerName localhost
              <Directory {{Programs}}>
                Require all granted
              </Directory>
              WSGIDaemonProcess glance processes=2 threads=8 umask=0007
              WSGIProcessGroup glance
              WSGIApplicationGroup %{GLOBAL}
              WSGIScriptAlias / {{Path.Combine(Programs, HttpdFiles.Program)}}
              LimitRequestBody 0
              WSGIChunkedRequest On
              WSGIPassAuthorization On
              IncludeOptional {{HttpdFiles.InVirtualHosts}}/*.conf
            </VirtualHost>

            """));
        return Command.Start(["/usr/sbin/apache2", "-f", At("apache.conf"), "-D", "FOREGROUND"]);
    }

    // Every process that runs it is Glance, whoever configured the process.
    private void WriteProgram()
    {
        var settings = environment.Select(one => $"os.environ['{one.Name}'] = '{one.Value}'");
        File.WriteAllText(Path.Combine(Programs, HttpdFiles.Program), $"""
            import os, sys
            {string.Join('\n', settings)}
            sys.path[:0] = os.environ['PYTHONPATH'].split(':')
            from glance.common.wsgi_app import init_app
            application = init_app()

            """);
    }

    private string At(string name) => Path.Combine(directory, name);
}
