using Sidecar.FunctionalTests.Infrastructure.Network;

namespace Stagectl.Tests.Harness.Ingest;

/// <summary>A daemon with an ingest, a Glance behind it, a way to it that can be cut, and a stagectl that goes it.</summary>
internal sealed class IngestScene : IAsyncDisposable
{
    private readonly TempDirectory _directory;

    private IngestScene(TempDirectory directory, FakeGlance glance, Daemon daemon)
    {
        _directory = directory;
        (Glance, Daemon) = (glance, daemon);
        Relay = new Relay(daemon.Ingest);
        File.WriteAllText(directory["token"], FakeGlance.Token + "\n");
    }

    public FakeGlance Glance { get; }

    public Daemon Daemon { get; }

    public Relay Relay { get; }

    public string StagedFile => _directory["staging/" + Glance.ImageId];

    /// <summary>The arguments of a put of this source by way of the relay.</summary>
    public string[] Put(string source, params string[] more) =>
    [
        "put", source, "--id", Glance.ImageId, "--via", Relay.Url.ToString(), "--token-file", _directory["token"], "--retry-for", "60s",
        .. more,
    ];

    public static async Task<IngestScene> StartAsync(
        TempDirectory directory, CancellationToken cancellationToken, params string[] settings)
    {
        var glance = new FakeGlance();
        var daemon = await Daemon.StartAsync(
            directory, cancellationToken, ["--Ingest:Address", "127.0.0.1:0", "--Ingest:Upstream", glance.Upstream, .. settings]);
        glance.Daemon = daemon.Staging;
        return new IngestScene(directory, glance, daemon);
    }

    /// <summary>With a certificate of this authority, for localhost.</summary>
    public static async Task<IngestScene> StartEncryptedAsync(
        TempDirectory directory, TestAuthority authority, CancellationToken cancellationToken)
    {
        using var certificate = authority.Issue("localhost");
        await File.WriteAllTextAsync(directory["crt"], authority.ChainPem(certificate), cancellationToken);
        await File.WriteAllTextAsync(directory["key"], TestAuthority.KeyPem(certificate), cancellationToken);
        return await StartAsync(
            directory, cancellationToken, "--Ingest:CertificateFile", directory["crt"], "--Ingest:KeyFile", directory["key"]);
    }

    public async ValueTask DisposeAsync()
    {
        await Relay.DisposeAsync();
        // Its requests end with the daemon.
        await Daemon.DisposeAsync();
        await Glance.DisposeAsync();
    }
}
