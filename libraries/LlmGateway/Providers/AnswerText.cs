using System.Text;

namespace LlmGateway.Providers;

/// <summary>
/// A text of an answer, which knows its part since the last update. Messages that replace deltas are pieces, or have
/// the text so far:
/// <code>
/// Hel  lo      →  Hello
/// Hel  Hello   →  Hello
/// Ha   Ha      →  Ha
/// Ha   Ha  !   →  HaHa!
/// </code>
/// </summary>
/// <remarks>A message that only repeats the text so far says nothing new, unless a later one shows that all are
/// pieces.</remarks>
internal sealed class AnswerText
{
    private readonly StringBuilder _new = new();
    private readonly StringBuilder _said = new();

    /// <summary>Length of the new text that is kept.</summary>
    private int _kept;
    private bool _isPieces;
    private bool _isSoFar;

    /// <summary>Messages that were equal to the text so far, until another one shows whether they are pieces.</summary>
    private string _repeated = "";

    public int Length => _new.Length;

    /// <summary>True if there is text that is not kept yet.</summary>
    public bool HasMore => _new.Length > _kept;

    public void Append(string? text) => _new.Append(text);

    /// <summary>Returns true if this is the whole text so far.</summary>
    public bool IsSoFar(string? text) => _said.Equals(text);

    public override string ToString() => _new.ToString();

    /// <summary>Takes the new text, but leaves the half of a surrogate pair at its end: the next delta has the other
    /// half.</summary>
    public string Take()
    {
        var length = Length > 0 && char.IsHighSurrogate(_new[^1]) ? Length - 1 : Length;
        var taken = _new.ToString(0, length);
        _new.Remove(0, length);
        _kept = Length;
        return taken;
    }

    /// <summary>Keeps the text that was added. If it comes from a message, only what is new stays.</summary>
    /// <param name="isWhole">True for a message.</param>
    /// <exception cref="UpstreamException">The message contradicts the text so far.</exception>
    public void Keep(bool isWhole)
    {
        if (!HasMore)
            return;

        if (isWhole && !_isPieces && _said.Length > 0)
            _new.Remove(_kept, Known(_new.ToString(_kept, Length - _kept)));

        _isSoFar |= !isWhole;
        _said.Append(_new, _kept, Length - _kept);
        _kept = Length;
    }

    /// <summary>Returns the number of a message's characters that are known.</summary>
    private int Known(string message)
    {
        var said = _said.ToString();
        if (message.StartsWith(said, StringComparison.Ordinal))
        {
            _isSoFar |= message.Length > said.Length;
            _repeated += message[..said.Length];
            return said.Length;
        }

        // Some servers trim the message that follows the deltas.
        if (_isSoFar && said.AsSpan().Trim().SequenceEqual(message.AsSpan().Trim()))
            return message.Length;
        if (_isSoFar)
            throw UpstreamException.Incomplete("the provider sent a message that is not the text so far.");

        _isPieces = true;
        _new.Insert(_kept, _repeated);
        return 0;
    }
}
