using System.Diagnostics;
using System.Globalization;
using System.Net;
using Glance.Sidecar.V1;
using Sidecar.FunctionalTests.Interop;

namespace Sidecar.FunctionalTests.Stores;

/// <summary>
/// An S3 server of npm's, s3rver, which knows less than most: no condition on a PUT, no list of uploads under way, no checksums at
/// the end of a body.
/// </summary>
internal sealed class OtherS3Server : IAsyncDisposable
{
    public const string Bucket = "images";

    // The package's own, for both.
    private const string Key = "S3RVER";

    private readonly Process _process;

    private OtherS3Server(Process process, int port) => (_process, Address) = (process, new IPEndPoint(IPAddress.Loopback, port));

    public IPEndPoint Address { get; }

    public Uri Url => new($"http://{Address}");

    /// <summary>Its bucket, seen by another client.</summary>
    public S3Judge Judge => new(Url, Bucket, Key, Key);

    /// <param name="directory">Where it keeps its objects.</param>
    public static async Task<OtherS3Server> StartAsync(string directory, CancellationToken deadline)
    {
        var start = new ProcessStartInfo("node", [ForeignBuild.S3Server, directory, Bucket]) { RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        try
        {
            var port = await process.StandardOutput.ReadLineAsync(deadline) ?? throw new InvalidOperationException("The S3 server ended.");
            return new OtherS3Server(process, int.Parse(port, CultureInfo.InvariantCulture));
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    public StoreTarget Target(Uri? through = null) => new()
    {
        S3 = new S3Target { Endpoint = (through ?? Url).ToString(), AccessKey = Key, SecretKey = Key, Bucket = Bucket },
    };

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
