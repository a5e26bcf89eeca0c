using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using EventStore;

namespace AspireSse;

/// <summary>A topic or pattern (<see cref="TopicPattern"/>), made from an interpolated string such as
/// <c>$"orders.{id}.&gt;"</c>, in which each hole is exactly one token.</summary>
/// <remarks>Needed to name the topics of an event, a stream or a filter. A hole with anything else (<c>*</c>,
/// <c>&gt;</c>, <c>a.b</c>, nothing) makes the topic invalid, so that an id from a request never selects other topics.
/// A wildcard in a string does too: see <see cref="Pattern(string)"/>. An invalid topic answers 404 to a stream's
/// client, and throws elsewhere.</remarks>
[InterpolatedStringHandler]
public struct EventTopic
{
    private const string OneToken = "A hole is one token, so it has no alignment: leave the comma and the number out.";

    private const string NotTheCodes =
        "The topic begins as those of the gateway do (generations, agents, sessions), which belong to their callers, "
        + "and its first token may come from a request. Write it into the interpolated string, such as "
        + "$\"sessions.{id}\".";

    /// <summary>The text of an interpolated string, as far as it is appended.</summary>
    private readonly StringBuilder? _parts = null;

    /// <summary>A whole string, which is a topic or a pattern, or refused.</summary>
    private readonly string? _whole = null;

    private readonly string? _refusal = null;
    private bool _isValid = true;

    /// <summary>Number of characters before the first hole, which the application's code has written; 0 for a converted
    /// string, -1 if the code has written all.</summary>
    private int _literal = -1;

    /// <summary>Begins a topic; the compiler calls it.</summary>
    public EventTopic(int literalLength, int formattedCount) => _parts = new(literalLength + 16 * formattedCount);

    private EventTopic(string text, bool isOfCode, string? refusal = null)
    {
        _whole = text;
        _literal = isOfCode ? -1 : 0;
        _refusal = refusal;
    }

    /// <summary>False if a hole is not exactly one token, the topic is too long, a string has a wildcard or is no
    /// topic, or a hole or string chooses a first token of the gateway's own topics.</summary>
    public readonly bool IsValid =>
        _isValid && Refusal is null && (_whole?.Length ?? _parts?.Length) is > 0 and <= TopicPattern.MaxLength;

    internal bool IsReserved { get; private init; }

    /// <summary>True if the application's code has written the first token, so that no request chose it.</summary>
    internal readonly bool NamesItsRoot => _literal < 0 || _parts?.ToString(0, _literal).Contains('.') == true;

    /// <summary>The reason for refusing a string or a first hole, with the way to ask for it, or null if it is
    /// accepted.</summary>
    internal readonly string? Refusal => _refusal ?? (IsSomebodyElses ? NotTheCodes : null);

    private readonly bool IsSomebodyElses => !NamesItsRoot && GatewayTopics.Have(Text);

    private readonly string? Text => _whole ?? _parts?.ToString();

    /// <summary>Takes a string as a topic. The topic is invalid if the string has a wildcard, or is no topic.</summary>
    public static implicit operator EventTopic(string text) =>
        new(
            text,
            isOfCode: false,
            TopicPattern.IsTopic(text) ? null
                : !TopicPattern.IsTopicOrPattern(text) ? NoTopic(text)
                : $"The string '{text}' has a wildcard, which may come from a request. Ask for a pattern with "
                    + "EventTopic.Pattern(…), or give the interpolated string itself, such as $\"orders.{id}.>\"."
        );

    /// <summary>Takes a pattern or topic that may select any topics, so that the application is responsible for the
    /// text.</summary>
    /// <exception cref="ArgumentException">The text is neither a topic nor a pattern.</exception>
    public static EventTopic Pattern(string text) =>
        TopicPattern.IsTopicOrPattern(text)
            ? new(text, isOfCode: true)
            : throw new ArgumentException(NoTopic(text), nameof(text));

    /// <summary>Takes a pattern or topic that may also select topics that the server reserves (<c>ReserveTopics</c>),
    /// and names below <c>$sys</c>, which no event has. The application must have decided that the caller may read
    /// them.</summary>
    /// <exception cref="ArgumentException">The text is neither a topic nor a pattern.</exception>
    public static EventTopic Reserved(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TopicPattern.IsTopicOrPattern(text.StartsWith("$sys.", StringComparison.Ordinal) ? text[1..] : text)
            ? new(text, isOfCode: true) { IsReserved = true }
            : throw new ArgumentException(NoTopic(text), nameof(text));
    }

    /// <summary>Takes an interpolated string as a pattern, in which each hole is exactly one token.</summary>
    public static EventTopic Pattern(EventTopic topic) => topic;

    public readonly void AppendLiteral(string value) => _parts!.Append(value);

    public void AppendFormatted(string? token)
    {
        if (_literal < 0)
            _literal = _parts!.Length;
        _isValid &= TopicPattern.IsToken(token);
        _parts!.Append(token);
    }

    public void AppendFormatted<T>(T token) => AppendFormatted(token, format: null);

    /// <summary>Appends a value in the invariant culture.</summary>
    public void AppendFormatted<T>(T token, string? format) =>
        AppendFormatted(
            token is IFormattable value ? value.ToString(format, CultureInfo.InvariantCulture) : token?.ToString()
        );

    [Obsolete(OneToken, error: true)]
    public void AppendFormatted<T>(T token, int alignment, string? format = null) => AppendFormatted(token, format);

    /// <exception cref="ArgumentException">The topic is invalid, or its text is neither a topic nor a
    /// pattern.</exception>
    public override readonly string ToString()
    {
        if (!IsValid)
            throw new ArgumentException(
                Refusal ?? "A value in the topic is not one token of it ([A-Za-z0-9_-]), or too long."
            );

        var text = Text!;
        return _whole is not null || TopicPattern.IsTopicOrPattern(text)
            ? text
            : throw new ArgumentException(NoTopic(text));
    }

    private static string NoTopic(string? text) =>
        $"'{text}' is neither a topic nor a pattern: dot-separated tokens of [A-Za-z0-9_-], at most "
        + $"{TopicPattern.MaxLength} characters; * stands for one token, a final > for the rest.";
}
