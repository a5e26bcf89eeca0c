namespace LlmGateway.Providers.Demo;

/// <summary>Searches an answer for stop sequences, which may span several tokens.</summary>
internal sealed class DemoStops(IEnumerable<string>? sequences)
{
    private readonly List<string> _sequences = [.. (sequences ?? []).Where(s => s.Length > 0)];

    /// <summary>Text that can be the beginning of a stop sequence; earlier text has been searched.</summary>
    private string _tail = "";

    /// <summary>Searches the next token.</summary>
    /// <param name="token">The token.</param>
    /// <param name="before">The part of the token before the sequence.</param>
    /// <returns>The first sequence; null: the answer continues.</returns>
    public string? Find(string token, out string before)
    {
        before = token;
        if (_sequences.Count == 0)
            return null;
        var text = _tail + token;
        var (at, first) = (int.MaxValue, (string?)null);
        foreach (var sequence in _sequences)
            if (text.IndexOf(sequence, StringComparison.Ordinal) is >= 0 and var found && found < at)
                (at, first) = (found, sequence);
        if (first is not null)
        {
            before = at > _tail.Length ? token[..(at - _tail.Length)] : "";
            return first;
        }
        var longest = _sequences.Max(s => s.Length);
        _tail = text.Length >= longest ? text[^(longest - 1)..] : text;
        return null;
    }
}
