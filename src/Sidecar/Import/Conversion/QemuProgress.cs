using System.Globalization;

namespace Sidecar.Import.Conversion;

/// <summary>Reads the progress that <c>qemu-img -p</c> prints, as in <c>(12.34/100%)</c>; never goes back.</summary>
internal sealed class QemuProgress(Action<double> report)
{
    private const int MaxNumberChars = 16;

    private readonly char[] _number = new char[MaxNumberChars];
    private int _length = -1;
    private double _latest;

    public void Append(ReadOnlySpan<char> text)
    {
        foreach (var letter in text)
        {
            if (letter == '(')
            {
                _length = 0;
            }
            else if (letter == '/')
            {
                Take();
                _length = -1;
            }
            else if (_length >= 0 && _length < MaxNumberChars)
            {
                _number[_length++] = letter;
            }
        }
    }

    private void Take()
    {
        if (_length <= 0) return;
        var isNumber = double.TryParse(
            _number.AsSpan(0, _length), NumberStyles.Float, CultureInfo.InvariantCulture, out var percent);
        if (!isNumber || !(percent > _latest) || percent > 100) return;
        _latest = percent;
        report(percent / 100);
    }
}
