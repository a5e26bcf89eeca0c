using System.Globalization;

namespace Benchmarks.Simulation;

/// <summary>
/// The id of a stream over several logs, as docs/scale.md describes it: the set of logs, then for each log its timeline
/// and position. The simulation's readers resume with it; the product has one log and a plain id.
/// <code>k3x9q0zt2a.2-1b4.1-1cf.1-1a0</code>
/// </summary>
internal static class VectorId
{
    /// <summary>Maximum bytes of a header that browsers send without a preflight, and of an id.</summary>
    public const int MaxLength = 128;

    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_~";

    public static string Format(string set, ReadOnlySpan<int> timelines, ReadOnlySpan<long> positions)
    {
        var text = set;
        for (var log = 0; log < positions.Length; log++)
            text += $".{Number(timelines[log])}-{Number(positions[log])}";
        return text.Length <= MaxLength
            ? text
            : throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{positions.Length} logs need {text.Length} bytes.")
            );
    }

    /// <summary>Reads an id. False if it is of another set of logs, or is no id.</summary>
    public static bool TryParse(string text, string set, Span<int> timelines, Span<long> positions)
    {
        var parts = text.Split('.');
        if (text.Length > MaxLength || parts.Length != positions.Length + 1 || parts[0] != set)
            return false;
        for (var log = 0; log < positions.Length; log++)
        {
            var pair = parts[log + 1].Split('-');
            if (
                pair.Length != 2
                || !TryNumber(pair[0], out var timeline)
                || !TryNumber(pair[1], out positions[log])
                || timeline > int.MaxValue
            )
                return false;
            timelines[log] = (int)timeline;
        }
        return true;
    }

    private static string Number(long value)
    {
        Span<char> text = stackalloc char[11];
        var at = text.Length;
        do text[--at] = Digits[(int)(value & 63)];
        while ((value >>= 6) > 0);
        return text[at..].ToString();
    }

    private static bool TryNumber(string text, out long value)
    {
        value = 0;
        foreach (var c in text)
        {
            var digit = Digits.IndexOf(c, StringComparison.Ordinal);
            if (digit < 0 || value >> 57 != 0)
                return false;
            value = (value << 6) | (uint)digit;
        }
        return text.Length > 0;
    }
}
