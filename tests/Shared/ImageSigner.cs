using System.Diagnostics;

namespace Testing;

/// <summary>Somebody who signs images: a key and its certificate, both made by openssl, which also makes the signatures.</summary>
internal sealed class ImageSigner
{
    private readonly string _directory;
    private readonly string _key;

    /// <param name="directory">For files of its own.</param>
    /// <param name="keyType">As the property <c>img_signature_key_type</c> names it.</param>
    /// <param name="forPssOnly">The certificate says that the RSA key makes signatures of this kind and no others.</param>
    public ImageSigner(string directory, string keyType = "RSA-PSS", bool forPssOnly = false)
    {
        KeyType = keyType;
        _directory = Directory.CreateDirectory(Path.Combine(directory, $"signer-{CertificateUuid}")).FullName;
        _key = Path.Combine(_directory, "key.pem");
        Run(keyType switch
        {
            "RSA-PSS" when forPssOnly => ["genpkey", "-quiet", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", _key],
            "RSA-PSS" => ["genrsa", "-out", _key, "2048"],
            "DSA" => ["dsaparam", "-genkey", "-noout", "-out", _key, "2048"],
            _ => ["ecparam", "-name", keyType["ECC_".Length..].ToLowerInvariant(), "-genkey", "-noout", "-out", _key],
        });
        var certificate = Path.Combine(_directory, "certificate.pem");
        Run(["req", "-x509", "-new", "-key", _key, "-out", certificate, "-days", "2", "-subj", "/CN=images"]);
        Certificate = File.ReadAllBytes(certificate);
    }

    public string KeyType { get; }

    public string CertificateUuid { get; } = Guid.NewGuid().ToString("D");

    /// <summary>In PEM.</summary>
    public byte[] Certificate { get; }

    /// <summary>The signature of some bytes in base64, as Glance wants it: the salt of RSA-PSS is as long as can be.</summary>
    public string Sign(byte[] content, string hash, string salt = "max")
    {
        var (image, signature) = (Path.Combine(_directory, "image"), Path.Combine(_directory, "signature"));
        File.WriteAllBytes(image, content);
        string[] padding = KeyType == "RSA-PSS"
            ? ["-sigopt", "rsa_padding_mode:pss", "-sigopt", $"rsa_pss_saltlen:{salt}"] : [];
        var method = "-" + hash.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
        Run(["dgst", method, "-sign", _key, .. padding, "-out", signature, image]);
        return Convert.ToBase64String(File.ReadAllBytes(signature));
    }

    /// <summary>The properties of an image with these bytes, as Glance names them.</summary>
    public Dictionary<string, string> Properties(byte[] content, string hash = "SHA-256") => new()
    {
        ["img_signature"] = Sign(content, hash),
        ["img_signature_hash_method"] = hash,
        ["img_signature_key_type"] = KeyType,
        ["img_signature_certificate_uuid"] = CertificateUuid,
    };

    private static void Run(string[] arguments)
    {
        var start = new ProcessStartInfo("openssl", arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var openssl = Process.Start(start)!;
        var output = openssl.StandardOutput.ReadToEndAsync();
        var errors = openssl.StandardError.ReadToEnd();
        openssl.WaitForExit();
        if (openssl.ExitCode != 0) throw new InvalidOperationException($"openssl {string.Join(' ', arguments)}: {errors}{output.Result}");
    }
}
