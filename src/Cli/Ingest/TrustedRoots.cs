using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Stagectl.Failures;

namespace Stagectl.Ingest;

/// <summary>The authorities whose certificates are taken: those of a file, else those of the system.</summary>
internal static class TrustedRoots
{
    public const string Variable = "OS_CACERT";

    /// <summary>Null: the system's.</summary>
    /// <param name="file">What --ca-file names; null for the environment's.</param>
    /// <exception cref="CommandException">The file has no certificates.</exception>
    public static X509ChainPolicy? Load(string? file)
    {
        var path = file ?? Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(path)) return null;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(path);
        }
        catch (CryptographicException failure)
        {
            throw NoCertificates(failure.Message.TrimEnd('.'));
        }

        return policy.CustomTrustStore.Count > 0 ? policy : throw NoCertificates("there is none in it");

        CommandException NoCertificates(string why) =>
            new(Failure.Local($"{path} ({(file is null ? Variable : "--ca-file")}) has no certificates in PEM: {why}."));
    }
}
