namespace Sidecar.Import.Core;

/// <summary>
/// A signature over the bytes of an image as they were staged: what Glance's properties <c>img_signature*</c> say, and the
/// certificate that they name. The property names are on disk, in the journal of the import: rename none.
/// </summary>
/// <param name="Signature">Base64.</param>
/// <param name="HashMethod">Such as SHA-256.</param>
/// <param name="KeyType">Such as RSA-PSS.</param>
/// <param name="Certificate">The X.509 certificate, DER or PEM, in base64: two requests compare as texts.</param>
internal sealed record ImageSignature(
    string Signature, string HashMethod, string KeyType, string CertificateUuid, string Certificate)
{
    /// <summary>Set on an image whose signature was verified and does not fit its new bytes: the certificate's id.</summary>
    public const string VerifiedProperty = "img_signature_verified_with";
}
