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
    /// <returns>The first sequence, or null if the answer continues.</returns>
    public string? Find(string token, out string before)
    {
        before = token;
        if (_sequences.Count == 0)
            return null;

        var text = _tail + token;
        var first = _sequences
            .Select(sequence => (Sequence: sequence, At: text.IndexOf(sequence, StringComparison.Ordinal)))
            .Where(found => found.At >= 0)
            .OrderBy(found => found.At)
            .FirstOrDefault();
        if (first.Sequence is not null)
        {
            before = first.At > _tail.Length ? token[..(first.At - _tail.Length)] : "";
            return first.Sequence;
        }

        var longest = _sequences.Max(s => s.Length);
        _tail = text.Length >= longest ? text[^(longest - 1)..] : text;
        return null;
    }
}
