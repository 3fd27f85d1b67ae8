using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Sidecar.Import.Signatures;

/// <summary>The public key of a certificate, which tells whether a signature over a hash is its own.</summary>
internal sealed class SigningKey(AsymmetricKeyParameter key)
{
    /// <summary>Whether the key's holder made this signature over this hash. Nonsense was not made by him.</summary>
    public bool Signed(SignatureHash hash, byte[] digest, byte[] signature)
    {
        try
        {
            var signer = CreateSigner(hash);
            signer.Init(false, key);
            signer.BlockUpdate(digest, 0, digest.Length);
            return signer.VerifySignature(signature);
        }
#pragma warning disable CA1031 // Key and signature are a stranger's, and the library throws what it likes at numbers that do not fit.
        catch (Exception)
        {
            return false;
        }
#pragma warning restore CA1031
    }

    // None of these hashes by itself: they are given the hash.
    private ISigner CreateSigner(SignatureHash hash) => key switch
    {
        RsaKeyParameters rsa => PssSigner.CreateRawSigner(
            new RsaEngine(), hash.Create(), hash.Create(), MaxSaltBytes(rsa, hash), PssSigner.TrailerImplicit),
        DsaPublicKeyParameters => new DsaDigestSigner(new DsaSigner(), new NullDigest()),
        _ => new DsaDigestSigner(new ECDsaSigner(), new NullDigest()),
    };

    /// <summary>As Glance has it: the salt takes all the room that the key leaves, and a signature with another one is wrong.</summary>
    private static int MaxSaltBytes(RsaKeyParameters rsa, SignatureHash hash) =>
        ((rsa.Modulus.BitLength - 1 + 7) / 8) - hash.Create().GetDigestSize() - 2;
}
