using System.CommandLine;
using Glance.Sidecar.V1;
using Google.Protobuf;
using Stagectl.Commands.Core;
using Stagectl.Failures;

namespace Stagectl.Commands.Importing;

/// <summary>The options of <c>import</c> that bring a signature: Glance's img_signature properties, and the certificate.</summary>
internal static class SignatureOptions
{
    private static readonly Option<string> Signature = Symbols.Word(
        "--signature", "Signature of the staged bytes, to be verified before any stage changes them.", "BASE64");

    private static readonly Option<string> Certificate = Symbols.Word(
        "--certificate", "The signer's X.509 certificate, DER or PEM, in a file that bears its id: UUID.pem.", "FILE");

    private static readonly Option<string> HashMethod = new("--hash-method")
    {
        Description = "Hash that is signed: SHA-224, SHA-256, SHA-384 or SHA-512. Default: SHA-256.", HelpName = "HASH",
        DefaultValueFactory = _ => "SHA-256",
    };

    private static readonly Option<string> KeyType = new("--key-type")
    {
        Description = "Kind of the signer's key: RSA-PSS, DSA, or a curve such as ECC_SECP384R1. Default: RSA-PSS.", HelpName = "TYPE",
        DefaultValueFactory = _ => "RSA-PSS",
    };

    public static void AddTo(Command command)
    {
        command.Add(Signature);
        command.Add(Certificate);
        command.Add(HashMethod);
        command.Add(KeyType);
    }

    /// <summary>What the options say; null when the image has no signature.</summary>
    public static ImageSignature? Read(ParseResult parsed)
    {
        var (signature, path) = (parsed.GetRequiredValue(Signature), parsed.GetRequiredValue(Certificate));
        if (signature.Length == 0 && path.Length == 0) return null;
        if (signature.Length == 0 || path.Length == 0)
        {
            throw new CommandException(Failure.Usage("--signature and --certificate belong together: give both, or neither."));
        }

        return new ImageSignature
        {
            Signature = signature,
            HashMethod = parsed.GetRequiredValue(HashMethod),
            KeyType = parsed.GetRequiredValue(KeyType),
            CertificateUuid = IdOf(path),
            Certificate = ReadFile(path),
        };
    }

    private static string IdOf(string path) => Guid.TryParse(Path.GetFileNameWithoutExtension(path), out var id)
        ? id.ToString("D")
        : throw new CommandException(Failure.Usage($"{path} is not named by the certificate's id: call it UUID.pem."));

    private static ByteString ReadFile(string path)
    {
        try
        {
            return ByteString.CopyFrom(File.ReadAllBytes(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(Failure.Local($"The certificate cannot be read: {failure.Message}"));
        }
    }
}
