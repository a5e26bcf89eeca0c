namespace LlmGateway.Providers.Demo;

/// <summary>The demo model's text. It depends on the prompt only, so every replica gives the same text.</summary>
internal static class DemoText
{
    public const int MaxTokens = 4_000;

    /// <summary>Length at which a token ends, even within a word.</summary>
    private const int MaxToken = 256;

    /// <summary>Most characters whose tokens are counted one by one.</summary>
    private const int MaxCounted = 32_768;

    private const string English =
        "An event exists once it is committed, and its position says where it stands. A reader that drops comes back "
        + "with the last id it has seen and gets the rest, byte for byte. 🚆 A slow reader costs nothing but its own "
        + "lag, because a connection is a cursor and not a queue. A generation belongs to the server: closing the "
        + "tunnel, the lid or the tab does not end it. ";

    private const string Japanese =
        "イベントは確定した時点で存在し、その位置がログの中での順番を示します。切断された読み手は最後の識別子を持って戻り、"
        + "続きを一文字も失わずに受け取ります。🚆遅い読み手が払うのは自分の遅れだけで、ほかの読み手を待たせることはありません。"
        + "生成はサーバーのものなので、タブを閉じても、トンネルに入っても止まりません。"
        + "別の画面で同じ回答を開けば、まったく同じ文章が流れてきます。";

    /// <summary>Returns the tokens of an answer.</summary>
    /// <param name="prompt">The prompt, which the answer repeats. Its language is the answer's language.</param>
    /// <param name="length">Number of tokens, or null for the whole text once.</param>
    /// <param name="opening">Text before the answer.</param>
    public static List<string> Tokens(string prompt, int? length, string opening)
    {
        var isJapanese = prompt.AsSpan().ContainsAnyInRange('぀', '鿿');
        var line = string.Join(
            ' ',
            MessageText.Beginning(prompt).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        );
        var asked = line.Length > 80 ? MessageText.Beginning(line, 80) + "…" : line;
        var question = isJapanese ? $"「{asked}」についてお答えします。" : $"You asked: “{asked}”. ";
        var text = Enumerable.Repeat(isJapanese ? Japanese : English, length is null ? 1 : MaxTokens);

        var most = Math.Min(length ?? MaxTokens, MaxTokens);
        var tokens = text.Prepend(question).Prepend(opening).SelectMany(Split).Take(most).ToList();
        if (tokens.Count > 0)
            tokens[^1] = tokens[^1].TrimEnd();

        return tokens;
    }

    /// <summary>Ends an answer before its first stop sequence, which may span several tokens. Returns the sequence, or
    /// null if the answer has none.</summary>
    public static string? CutBefore(IEnumerable<string>? sequences, List<string> tokens)
    {
        var text = string.Concat(tokens);
        var (stop, at) = (sequences ?? [])
            .Where(sequence => sequence.Length > 0)
            .Select(sequence => (sequence, At: text.IndexOf(sequence, StringComparison.Ordinal)))
            .Where(found => found.At >= 0)
            .OrderBy(found => found.At)
            .FirstOrDefault();
        if (stop is null)
            return null;

        tokens.Clear();
        tokens.AddRange(Split(text[..at]));
        return stop;
    }

    /// <summary>Counts the tokens of a text.</summary>
    public static int Count(string text) => Count([text]);

    /// <summary>
    /// Counts the tokens of texts, without allocation. Text beyond <see cref="MaxCounted"/> characters is estimated
    /// from the tokens before it.
    /// </summary>
    public static int Count(IEnumerable<string> texts)
    {
        var tokens = 0L;
        var counted = 0L;
        var length = 0L;
        foreach (var text in texts)
        {
            length += text.Length;
            for (var at = 0; at < text.Length && counted < MaxCounted; tokens++)
            {
                var token = TokenLength(text.AsSpan(at));
                counted += token;
                at += token;
            }
        }

        return (int)Math.Min(int.MaxValue, counted == 0 ? 0 : tokens * length / counted);
    }

    private static IEnumerable<string> Split(string text)
    {
        for (var at = 0; at < text.Length; )
        {
            var length = TokenLength(text.AsSpan(at));
            yield return text.Substring(at, length);
            at += length;
        }
    }

    /// <summary>
    /// Returns the length of the first token: a word and the space after it, or three characters of a script without
    /// spaces.
    /// </summary>
    private static int TokenLength(ReadOnlySpan<char> text)
    {
        var length = 0;
        var wide = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            length += rune.Utf16SequenceLength;
            wide += rune.Value > '⺀' ? 1 : 0;
            if (rune.Value == ' ' || wide == 3 || length >= MaxToken)
                break;
        }

        return length;
    }
}
