using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Json;

namespace AspireSse.Server;

/// <summary>Escapes only what JSON requires (RFC 8259 §7) and DEL, so that Japanese and emoji stay readable. The
/// framework's most relaxed encoder still escapes everything beyond the Basic Multilingual Plane.</summary>
/// <remarks>Needed for JSON of the application's own that is escaped as events are, such as a page of events or problem
/// details.</remarks>
public sealed unsafe class ReadableJsonEncoder : JavaScriptEncoder
{
    private static readonly SearchValues<char> Escaped = SearchValues.Create([
        .. Enumerable.Range(0, 0x20).Select(c => (char)c),
        '"',
        '\\',
        '\x7F',
    ]);

    private ReadableJsonEncoder() { }

    /// <summary>The encoder, which has no state.</summary>
    public static ReadableJsonEncoder Instance { get; } = new();

    /// <summary>Options with names in camel case and readable text, whatever an application configures.</summary>
    internal static JsonSerializerOptions Web { get; } =
        // The framework's own options use reflection only in a program that has it.
        new(new JsonOptions().SerializerOptions) { Encoder = Instance };

    public override int MaxOutputCharactersPerInputCharacter => 6;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar is < 0x20 or '"' or '\\' or 0x7F;

    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var all = new ReadOnlySpan<char>(text, textLength);
        var first = all.IndexOfAny(Escaped);
        if (first >= 0)
            all = all[..first];

        var pair = all.IndexOfAnyInRange('\uD800', '\uDFFF');
        if (pair < 0)
            return first;

        for (var rest = all[pair..]; !rest.IsEmpty; )
        {
            // An unpaired surrogate counts as a character to encode: the base class replaces it.
            if (Rune.DecodeFromUtf16(rest, out _, out var used) != OperationStatus.Done)
                return all.Length - rest.Length;
            rest = rest[used..];
        }

        return first;
    }

    public override bool TryEncodeUnicodeScalar(
        int unicodeScalar,
        char* buffer,
        int bufferLength,
        out int numberOfCharactersWritten
    )
    {
        var output = new Span<char>(buffer, bufferLength);
        var shorthand = unicodeScalar switch
        {
            '"' => '"',
            '\\' => '\\',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\b' => 'b',
            '\f' => 'f',
            _ => '\0',
        };

        var escape = WillEncode(unicodeScalar)
            ? shorthand != '\0'
                ? $"\\{shorthand}"
                : $"\\u{unicodeScalar:x4}"
            : char.ConvertFromUtf32(unicodeScalar);
        numberOfCharactersWritten = escape.TryCopyTo(output) ? escape.Length : 0;

        return numberOfCharactersWritten > 0;
    }
}
