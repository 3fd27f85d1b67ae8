namespace Glance.Tests.Harness.Servers;

/// <summary>A MariaDB server of the suite's own, reached by a Unix socket only.</summary>
internal sealed class DatabaseServer : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private const string Database = "glance";

    private readonly Command _server;
    private readonly string _socket;

    private DatabaseServer(Command server, string socket) => (_server, _socket) = (server, socket);

    public static async Task<DatabaseServer> StartAsync(string directory)
    {
        var data = Path.Combine(directory, "data");
        var socket = Path.Combine(directory, "mariadb.sock");
        Directory.CreateDirectory(data);
        // A server that starts removes what it finds of others' temporary tables in the directory that all share by default.
        (string, string) temporary = ("TMPDIR", Directory.CreateDirectory(Path.Combine(directory, "temporary")).FullName);
        await Command.RunAsync(
            ["mariadb-install-db", "--no-defaults", $"--user={Environment.UserName}", $"--datadir={data}",
            "--auth-root-authentication-method=normal", "--skip-test-db"],
            temporary);
        // A crash of the machine may lose everything: that is what makes it fast.
        var server = Command.Start(
            ["mariadbd", "--no-defaults", $"--user={Environment.UserName}", $"--datadir={data}", $"--socket={socket}",
            "--skip-networking", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
            "--innodb-flush-method=nosync", "--innodb-buffer-pool-size=64M", "--max-connections=300",
            $"--pid-file={Path.Combine(directory, "mariadb.pid")}"],
            temporary);
        await server.LoggedAsync(line => line.Contains("ready for connections", StringComparison.Ordinal), Limit);
        await Command.RunAsync([.. Client(socket), "-e", $"CREATE DATABASE {Database}"]);
        return new DatabaseServer(server, socket);
    }

    /// <summary>The address of Glance's database, as SQLAlchemy takes it.</summary>
    public string Connection => $"mysql+pymysql://root@localhost/{Database}?unix_socket={_socket}";

    /// <returns>The rows, one a line, values separated by tabs.</returns>
    public Task<string> QueryAsync(string statement) =>
        Command.RunAsync([.. Client(_socket), "-e", statement, Database]);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string[] Client(string socket) =>
        ["mariadb", "--no-defaults", $"--socket={socket}", "--user=root", "--batch", "--skip-column-names"];
}
