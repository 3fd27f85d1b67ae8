using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Amazon.Runtime;
using Amazon.S3;

namespace Sidecar.Stores.Writers.S3;

/// <summary>Makes the client of a server: with what the job says, and nothing of what else the client's library would look for.</summary>
internal sealed class S3Connection(S3Job place) : HttpClientFactory
{
    private const string DefaultRegion = "us-east-1";

    // One request; what it has sent goes again by itself. A server that stands still is found out by the daemon (Stores:StallTimeout).
    private const int Retries = 2;
    private const int BufferBytes = 64 << 10;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromMinutes(10);

    public static AmazonS3Client Open(S3Job place)
    {
        Isolate();
        return new AmazonS3Client(new BasicAWSCredentials(place.AccessKey, place.SecretKey), new S3Connection(place).Settings());
    }

    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(Handler()) { Timeout = RequestTimeout };

    /// <summary>
    /// Has the library find no keys, settings or servers but those that it is given: neither in somebody's home directory, which it
    /// knows without HOME too, nor in variables, nor by asking the machine's cloud.
    /// </summary>
    private static void Isolate()
    {
        foreach (var file in (string[])["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]) Environment.SetEnvironmentVariable(file, "/dev/null");
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        Environment.SetEnvironmentVariable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    }

    private AmazonS3Config Settings() => new()
    {
        ServiceURL = place.Endpoint,
        AuthenticationRegion = place.Region.Length > 0 ? place.Region : DefaultRegion,
        ForcePathStyle = !place.IsVirtualHosted,
        HttpClientFactory = this,
        // Checksums behind the body are what many servers of others do not know.
        RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        DefaultConfigurationMode = DefaultConfigurationMode.Standard,
        RetryMode = RequestRetryMode.Standard,
        MaxErrorRetry = Retries,
        BufferSize = BufferBytes,
        UseDualstackEndpoint = false,
        UseFIPSEndpoint = false,
        UseArnRegion = false,
        DisableLogging = true,
    };

    private SocketsHttpHandler Handler() => new()
    {
        ConnectTimeout = ConnectTimeout,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust() },
    };

    private X509ChainPolicy? Trust()
    {
        if (place.CaCertificates.Length == 0) return null;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(place.CaCertificates);
        return policy;
    }
}
