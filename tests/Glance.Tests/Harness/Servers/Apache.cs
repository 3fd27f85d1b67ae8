namespace Glance.Tests.Harness.Servers;

/// <summary>
/// Apache with mod_wsgi as glance-operator runs it: several processes with threads each, under a user that only shares
/// its group with the sidecar.
/// </summary>
/// <param name="address">Address and port.</param>
/// <param name="environment">Where Glance finds its configuration and modules.</param>
internal sealed class Apache(string directory, string address, (string Name, string Value)[] environment) : IApiServer
{
    public Command Start()
    {
        Directory.CreateDirectory(directory);
        var settings = environment.Select(one => $"os.environ['{one.Name}'] = '{one.Value}'");
        var modules = environment.First(one => one.Name == "PYTHONPATH").Value;
        File.WriteAllText(At("glance.wsgi"), $"""
            import os
            {string.Join('\n', settings)}
            from glance.common.wsgi_app import init_app
            application = init_app()

            """);
        File.WriteAllText(At("apache.conf"), $$"""
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
            LoadModule wsgi_module /usr/lib/apache2/modules/mod_wsgi.so
            WSGIDaemonProcess glance processes=2 threads=8 umask=0007 python-path={{modules}}
            WSGIProcessGroup glance
            WSGIApplicationGroup %{GLOBAL}
            WSGIChunkedRequest On
            WSGIPassAuthorization On
            LimitRequestBody 0
            WSGIScriptAlias / {{At("glance.wsgi")}}
            <Directory {{directory}}>
              Require all granted
            </Directory>

            """);
        return Command.Start(["/usr/sbin/apache2", "-f", At("apache.conf"), "-D", "FOREGROUND"]);

        string At(string name) => Path.Combine(directory, name);
    }
}
