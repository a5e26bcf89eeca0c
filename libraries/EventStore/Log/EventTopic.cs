using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace AspireSse;

/// <summary>A topic or pattern (<see cref="TopicPattern"/>), made from an interpolated string such as
/// <c>$"orders.{id}.&gt;"</c> whose holes each hold exactly one token of it.</summary>
/// <remarks>A hole with anything else (<c>*</c>, <c>&gt;</c>, <c>a.b</c>, nothing) makes the topic invalid, so that an
/// id from a request never selects other topics. A string that is not interpolated is taken as it is.</remarks>
[InterpolatedStringHandler]
public struct EventTopic
{
    private readonly StringBuilder _text;
    private bool _isValid = true;

    /// <summary>Begins a topic; the compiler calls it.</summary>
    public EventTopic(int literalLength, int formattedCount) => _text = new(literalLength + 16 * formattedCount);

    private EventTopic(string text) => _text = new(text);

    /// <summary>False if a hole does not hold exactly one token, or makes the topic too long.</summary>
    public readonly bool IsValid => _isValid && _text?.Length is > 0 and <= TopicPattern.MaxLength;

    /// <exception cref="ArgumentException">The text is neither a topic nor a pattern.</exception>
    public static implicit operator EventTopic(string text) => new(Checked(text));

    public readonly void AppendLiteral(string value) => _text.Append(value);

    public void AppendFormatted(string? token)
    {
        _isValid &= TopicPattern.IsToken(token);
        _text.Append(token);
    }

    public void AppendFormatted<T>(T token)
        where T : IFormattable => AppendFormatted(token.ToString(format: null, CultureInfo.InvariantCulture));

    /// <exception cref="ArgumentException">A hole is no token, or the whole is neither a topic nor a
    /// pattern.</exception>
    public override readonly string ToString() =>
        IsValid
            ? Checked(_text.ToString())
            : throw new ArgumentException("A value in the topic is not one token of it ([A-Za-z0-9_-]), or too long.");

    private static string Checked(string text) =>
        TopicPattern.IsTopicOrPattern(text)
            ? text
            : throw new ArgumentException(
                $"'{text}' is neither a topic nor a pattern: dot-separated tokens of [A-Za-z0-9_-], at most "
                    + $"{TopicPattern.MaxLength} characters; * stands for one token, a final > for the rest."
            );
}
