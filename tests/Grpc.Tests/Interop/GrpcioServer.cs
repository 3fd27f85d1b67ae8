using System.Diagnostics;
using System.Globalization;

namespace Grpc.Tests.Interop;

/// <summary>The Python test server as a process, which ends with its standard input.</summary>
internal sealed class GrpcioServer : IAsyncDisposable
{
    private const string Announcement = "listening on ";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;

    private GrpcioServer(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    public static async Task<GrpcioServer> StartAsync(string[] arguments)
    {
        var process = ForeignCommand.Start(ForeignCommand.Python, arguments);
        using var patience = new CancellationTokenSource(Patience);
        var line = await process.StandardOutput.ReadLineAsync(patience.Token);
        if (line?.StartsWith(Announcement, StringComparison.Ordinal) == true)
            return new GrpcioServer(process, int.Parse(line[Announcement.Length..], CultureInfo.InvariantCulture));

        var errors = await process.StandardError.ReadToEndAsync(patience.Token);
        process.Kill();
        throw new InvalidOperationException($"The grpcio server did not start: {line} {errors}");
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        finally
        {
            if (!_process.HasExited)
                _process.Kill();
            _process.Dispose();
        }
    }
}
