using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace EventStore;

/// <summary>Rules for the texts of an event. Callers share commits, pages and messages, so a text that Postgres, UTF-8,
/// JSON or a frame does not take would also fail other callers' events. Each rule returns its argument, or
/// throws.</summary>
/// <remarks>None is about size, which whoever publishes bounds: StreamApi's <c>EventsOptions</c>, or
/// <see cref="Outbox.MaxDataBytes"/>.</remarks>
internal static class EventRules
{
    private const int MaxNameLength = NewEvent.MaxNameLength,
        MaxDepth = TopicPattern.MaxDepth;

    private const int StackBytes = 512;

    public static bool IsTopic(string topic) => TopicPattern.IsTopic(topic) && topic.AsSpan().Count('.') < MaxDepth;

    public static string Topic(string topic) =>
        IsTopic(topic)
            ? topic
            : throw new ArgumentException(
                $"'{topic}' is not one topic: 1 to {MaxDepth} dot-separated tokens of [A-Za-z0-9_-], without wildcards."
            );

    /// <summary>Checks the SSE event name of a publisher's event.</summary>
    public static string Type(string type) =>
        ReservedTypes.Include(OwnType(type))
            ? throw new ArgumentException($"'{type}' is reserved for the streams' own events: {ReservedTypes.Names}.")
            : type;

    /// <summary>Checks the SSE event name of an event that may be the system's own.</summary>
    public static string OwnType(string type) =>
        IsName(type) && type.Length > 0 && !type.AsSpan().ContainsAny('\r', '\n')
            ? type
            : throw new ArgumentException(
                $"A type has 1 to {MaxNameLength} characters without CR, LF, NUL and unpaired surrogates."
            );

    public static string? Key(string? key) =>
        key is null || IsName(key)
            ? key
            : throw new ArgumentException(
                $"A key has at most {MaxNameLength} characters without NUL and unpaired surrogates."
            );

    public static string? TraceParent(string? trace) =>
        trace is null || IsName(trace)
            ? trace
            : throw new ArgumentException(
                $"A traceparent has at most {MaxNameLength} characters without NUL and unpaired surrogates."
            );

    /// <summary>Checks that data is one line with one JSON value, which every reader can parse: at most 64 levels deep,
    /// and without an unpaired surrogate, escaped or not.</summary>
    public static string Data(string data)
    {
        if (data is null || data.AsSpan().ContainsAny('\r', '\n'))
            throw new ArgumentException("The data is one line of JSON. Write it without indentation.");
        if (!IsWellFormed(data))
            throw NoUtf8();

        var length = Encoding.UTF8.GetByteCount(data);
        var rented = length > StackBytes ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> bytes = rented is null ? stackalloc byte[StackBytes] : rented;
        try
        {
            CheckJson(bytes[..Encoding.UTF8.GetBytes(data, bytes)]);
            return data;
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"The data is not JSON: {e.Message}", e);
        }
        finally
        {
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Copies a list of events, because its caller may change the list while they wait.</summary>
    /// <exception cref="ArgumentException">An event is null.</exception>
    public static NewEvent[] Copy(IReadOnlyList<NewEvent> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        NewEvent[] copy = [.. events];
        return Array.IndexOf(copy, null) < 0 ? copy : throw new ArgumentException("An event is null.", nameof(events));
    }

    private static void CheckJson(ReadOnlySpan<byte> utf8)
    {
        var json = new Utf8JsonReader(utf8);
        while (json.Read())
            if (json.ValueIsEscaped && !PairsSurrogates(json.ValueSpan))
                throw NoUtf8();
    }

    private static ArgumentException NoUtf8() =>
        new("The data has an unpaired surrogate, which is no character and has no UTF-8.");

    private static bool IsName(string? text) =>
        text?.Length <= MaxNameLength && !text.Contains('\0') && IsWellFormed(text);

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        while (text.IndexOfAnyInRange('\uD800', '\uDFFF') is var at and >= 0)
        {
            if (Rune.DecodeFromUtf16(text[at..], out _, out var used) != OperationStatus.Done)
                return false;
            text = text[(at + used)..];
        }

        return true;
    }

    /// <summary>Returns true if each escaped surrogate of a valid JSON string is one of a pair.</summary>
    private static bool PairsSurrogates(ReadOnlySpan<byte> text)
    {
        while (text.IndexOf((byte)'\\') is var at and >= 0)
        {
            text = text[at..];
            if (Escaped(text) is not { } unit)
            {
                text = text[2..];
                continue;
            }

            text = text["\\u0000".Length..];
            if (!char.IsSurrogate(unit))
                continue;
            if (!char.IsHighSurrogate(unit) || Escaped(text) is not { } next || !char.IsLowSurrogate(next))
                return false;
            text = text["\\u0000".Length..];
        }

        return true;
    }

    /// <summary>Returns the UTF-16 unit at the beginning of a text if it is escaped as <c>\u0000</c>, or null if it is
    /// not.</summary>
    private static char? Escaped(ReadOnlySpan<byte> text) =>
        text.StartsWith("\\u"u8) && Utf8Parser.TryParse(text.Slice(2, 4), out ushort unit, out _, 'x')
            ? (char)unit
            : null;
}
