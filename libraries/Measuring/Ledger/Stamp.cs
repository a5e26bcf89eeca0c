using System.Globalization;
using System.Text.Json;

namespace Measuring.Ledger;

/// <summary>The ledger's fields in a payload: <c>{"publisher":3,"sequence":17, …}</c>.</summary>
public static class Stamp
{
    /// <summary>Returns a payload with the stamp, filled up with a <c>pad</c> to about <paramref name="bytes"/>
    /// bytes.</summary>
    public static string Json(int publisher, long sequence, int bytes = 0)
    {
        var bare = string.Create(CultureInfo.InvariantCulture, $"{{\"publisher\":{publisher},\"sequence\":{sequence}");
        const string pad = ",\"pad\":\"";
        return bare.Length + pad.Length + 2 >= bytes
            ? bare + "}"
            : $"{bare}{pad}{new string('x', bytes - bare.Length - pad.Length - 2)}\"}}";
    }

    /// <summary>Reads the stamp of a JSON object, or of the <c>data</c> of an envelope. Allocates nothing.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out int publisher, out long sequence)
    {
        publisher = -1;
        sequence = -1;
        try
        {
            for (var reader = new Utf8JsonReader(json); reader.Read() && (publisher < 0 || sequence < 0); )
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth > 2)
                    continue;

                if (reader.ValueTextEquals("publisher"u8))
                {
                    if (
                        !reader.Read()
                        || reader.TokenType != JsonTokenType.Number
                        || !reader.TryGetInt32(out publisher)
                    )
                        return false;
                }
                else if (
                    reader.ValueTextEquals("sequence"u8)
                    && (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out sequence))
                )
                    return false;
            }
        }
        catch (JsonException)
        {
            return false;
        }

        return publisher >= 0 && sequence >= 0;
    }
}
