namespace Sidecar.Import.Core;

/// <summary>What is known of the signature of a request. Names are on disk.</summary>
internal enum SignatureOutcome
{
    /// <summary>The request had none.</summary>
    None,

    /// <summary>It was verified, and the output is those very bytes.</summary>
    OfOutput,

    /// <summary>It was verified, but the output is other bytes, which it does not fit.</summary>
    OfInput,
}
