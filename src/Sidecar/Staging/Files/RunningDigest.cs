using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Digests;

namespace Sidecar.Staging.Files;

/// <summary>A digest while its bytes come in, by one thread at a time. The system's, or one that the system has not.</summary>
internal abstract class RunningDigest : IDisposable
{
    public static RunningDigest Of(HashAlgorithmName algorithm) => new SystemDigest(IncrementalHash.CreateHash(algorithm));

    /// <summary>.NET has no SHA-224.</summary>
    public static RunningDigest Sha224() => new LibraryDigest(new Sha224Digest());

    public static RunningDigest Crc32C() => new Checksum(Files.Crc32C.Resume(Files.Crc32C.Empty));

    public abstract void Append(ReadOnlySpan<byte> bytes);

    /// <summary>The digest of all that was appended; the last call before the disposal.</summary>
    public abstract byte[] Finish();

    public abstract void Dispose();

    private sealed class SystemDigest(IncrementalHash hash) : RunningDigest
    {
        public override void Append(ReadOnlySpan<byte> bytes) => hash.AppendData(bytes);

        public override byte[] Finish() => hash.GetHashAndReset();

        public override void Dispose() => hash.Dispose();
    }

    private sealed class Checksum(Crc32 crc) : RunningDigest
    {
        public override void Append(ReadOnlySpan<byte> bytes) => crc.Append(bytes);

        // As the number is written: the library gives it least significant byte first.
        public override byte[] Finish()
        {
            var bytes = new byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, crc.GetCurrentHashAsUInt32());
            return bytes;
        }

        public override void Dispose()
        {
            // Nothing but memory.
        }
    }

    private sealed class LibraryDigest(IDigest digest) : RunningDigest
    {
        public override void Append(ReadOnlySpan<byte> bytes) => digest.BlockUpdate(bytes);

        public override byte[] Finish()
        {
            var bytes = new byte[digest.GetDigestSize()];
            digest.DoFinal(bytes);
            return bytes;
        }

        public override void Dispose()
        {
            // Nothing but memory.
        }
    }
}
