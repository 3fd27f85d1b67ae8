using System.Globalization;

namespace Glance.Tests.Harness;

/// <summary>A MariaDB server of the suite's own, reached by a Unix socket only.</summary>
internal sealed class DatabaseServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Program _server;
    private readonly string _socket;
    private int _databases;

    private DatabaseServer(Program server, string socket) => (_server, _socket) = (server, socket);

    public static async Task<DatabaseServer> StartAsync(string directory)
    {
        var data = Path.Combine(directory, "data");
        var socket = Path.Combine(directory, "mariadb.sock");
        Directory.CreateDirectory(data);
        await Program.RunAsync(
            ["mariadb-install-db", "--no-defaults", $"--user={Environment.UserName}", $"--datadir={data}",
            "--auth-root-authentication-method=normal", "--skip-test-db"]);
        // A crash of the machine may lose everything: that is what makes it fast.
        var server = Program.Start(
            ["mariadbd", "--no-defaults", $"--user={Environment.UserName}", $"--datadir={data}", $"--socket={socket}",
            "--skip-networking", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
            "--innodb-flush-method=nosync", "--innodb-buffer-pool-size=64M", "--max-connections=300",
            $"--pid-file={Path.Combine(directory, "mariadb.pid")}"]);
        await server.LoggedAsync(line => line.Contains("ready for connections", StringComparison.Ordinal), Patience);
        return new DatabaseServer(server, socket);
    }

    /// <returns>A new database's address, as SQLAlchemy takes it.</returns>
    public async Task<string> CreateAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"glance{_databases++}");
        await QueryAsync($"CREATE DATABASE {name}");
        return $"mysql+pymysql://root@localhost/{name}?unix_socket={_socket}";
    }

    /// <returns>The rows, one a line, values separated by tabs.</returns>
    public Task<string> QueryAsync(string statement) => Program.RunAsync(
        ["mariadb", "--no-defaults", $"--socket={_socket}", "--user=root", "--batch", "--skip-column-names", "-e", statement]);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
