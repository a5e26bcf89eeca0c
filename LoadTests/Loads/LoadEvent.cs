using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace LoadTests.Loads;

/// <summary>
/// The payload of published events: the ledger's stamp and the publish time in nanoseconds since 1970, from this
/// process's monotonic clock, so that another client on this machine can read it too.
/// <code>{"publisher":3,"sequence":17,"t":1760000000000000000,"pad":"xxx"}</code>
/// </summary>
internal static class LoadEvent
{
    private static readonly long StartTimestamp = Stopwatch.GetTimestamp();
    private static readonly long StartNanoseconds = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;

    public static long Now() => StartNanoseconds + Stopwatch.GetElapsedTime(StartTimestamp).Ticks * 100;

    public static byte[] Json(int publisher, long sequence, long publishedAt, int bytes)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"publisher\":{publisher},\"sequence\":{sequence},\"t\":{publishedAt}"
        );
        const string pad = ",\"pad\":\"";

        return Encoding.UTF8.GetBytes(
            text.Length + pad.Length + 2 >= bytes
                ? text + "}"
                : $"{text}{pad}{new string('x', bytes - text.Length - pad.Length - 2)}\"}}"
        );
    }

    /// <summary>Reads the payload that <see cref="Json"/> wrote. Relies on its
    /// fixed layout, because thousands of readers call it for each event.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out int publisher, out long sequence, out long publishedAt)
    {
        publisher = -1;
        sequence = -1;
        publishedAt = -1;

        return TryReadNumber(ref json, "{\"publisher\":"u8, out var number)
            && (publisher = (int)number) >= 0
            && TryReadNumber(ref json, ",\"sequence\":"u8, out sequence)
            && TryReadNumber(ref json, ",\"t\":"u8, out publishedAt);
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> json, ReadOnlySpan<byte> name, out long value)
    {
        value = -1;
        if (!json.StartsWith(name) || !Utf8Parser.TryParse(json[name.Length..], out value, out int length))
            return false;
        json = json[(name.Length + length)..];
        return true;
    }
}
