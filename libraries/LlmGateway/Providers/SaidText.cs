using System.Text;

namespace LlmGateway.Providers;

/// <summary>
/// Text of an answer, to find out what is new in a message that replaces a delta. Such messages are pieces, or have the
/// text so far:
/// <code>
/// Hel  lo      →  Hello
/// Hel  Hello   →  Hello
/// </code>
/// </summary>
internal sealed class SaidText
{
    private readonly StringBuilder _said = new();
    private bool _isPieces;
    private bool _isSoFar;

    /// <summary>Adds the end of a text. If it comes from a message, only what is new stays in the text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">Length of the text before.</param>
    /// <param name="isWhole">True for a message.</param>
    /// <exception cref="UpstreamException">The message contradicts the text so far.</exception>
    public void Take(StringBuilder text, int start, bool isWhole)
    {
        var added = text.Length - start;
        if (added == 0)
            return;

        if (isWhole && !_isPieces && _said.Length > 0)
            text.Remove(start, Known(text.ToString(start, added)));

        _isSoFar |= !isWhole;
        _said.Append(text, start, text.Length - start);
    }

    /// <summary>Returns the number of a message's characters that are known.</summary>
    private int Known(string message)
    {
        var said = _said.ToString();
        if (message.StartsWith(said, StringComparison.Ordinal))
        {
            _isSoFar = true;
            return said.Length;
        }

        // Some servers trim the message that follows the deltas.
        if (_isSoFar && said.AsSpan().Trim().SequenceEqual(message.AsSpan().Trim()))
            return message.Length;
        if (_isSoFar)
            throw AnswerDeltas.Incomplete("the provider sent a message that is not the text so far.");

        _isPieces = true;
        return 0;
    }
}
