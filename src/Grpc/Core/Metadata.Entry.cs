using System.Buffers;
using System.Text;

namespace Grpc.Core;

public sealed partial class Metadata
{
    private static readonly SearchValues<char> KeyChars =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-.");

    /// <summary>One key with its text or its bytes.</summary>
    public sealed class Entry
    {
        private readonly string? _text;
        private readonly byte[]? _bytes;

        /// <exception cref="ArgumentException">The key has characters that a header name may not have, or is a
        /// binary one.</exception>
        public Entry(string key, string value)
        {
            ArgumentNullException.ThrowIfNull(value);
            Key = NormalizeKey(key);
            if (IsBinary)
                throw new ArgumentException($"A key with {BinaryHeaderSuffix}, '{Key}', takes bytes.", nameof(key));

            _text = value;
        }

        /// <exception cref="ArgumentException">The key has characters that a header name may not have, or does not
        /// end in <c>-bin</c>.</exception>
        public Entry(string key, byte[] valueBytes)
        {
            ArgumentNullException.ThrowIfNull(valueBytes);
            Key = NormalizeKey(key);
            if (!IsBinary)
                throw new ArgumentException($"A key without {BinaryHeaderSuffix}, '{Key}', takes text.", nameof(key));

            _bytes = (byte[])valueBytes.Clone();
        }

        public string Key { get; }

        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        /// <exception cref="InvalidOperationException">The entry is a binary one.</exception>
        public string Value => _text
            ?? throw new InvalidOperationException($"The metadata entry '{Key}' is binary and has no text.");

        public byte[] ValueBytes => _bytes is null ? Encoding.ASCII.GetBytes(_text!) : (byte[])_bytes.Clone();

        internal ReadOnlySpan<byte> Bytes => _bytes;

        public override string ToString() => IsBinary
            ? $"[Entry: key={Key}, {_bytes!.Length} bytes]"
            : $"[Entry: key={Key}, value={_text}]";

        internal bool HasKey(string key) => Key.Equals(key, StringComparison.OrdinalIgnoreCase);

        private static string NormalizeKey(string key)
        {
            ArgumentException.ThrowIfNullOrEmpty(key);
#pragma warning disable CA1308 // header names are lower case on the wire
            var lower = key.ToLowerInvariant();
#pragma warning restore CA1308
            return lower.AsSpan().ContainsAnyExcept(KeyChars)
                ? throw new ArgumentException($"'{key}' is not a metadata key.", nameof(key))
                : lower;
        }
    }
}
