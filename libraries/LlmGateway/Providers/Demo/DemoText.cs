using System.Globalization;
using System.Text;

namespace LlmGateway.Providers.Demo;

/// <summary>The demo model's text. It depends on the prompt only, so every replica gives the same text.</summary>
internal static class DemoText
{
    public const int MaxTokens = 4_000;

    /// <summary>Characters of a prompt that are searched: a megabyte must not cost more than a page.</summary>
    private const int MaxSearched = 2_000;

    /// <summary>Length at which a token ends in any case.</summary>
    private const int MaxToken = 256;

    /// <summary>Characters whose tokens are counted one by one: of a script with combined characters, a megabyte takes
    /// a tenth of a second.</summary>
    private const int MaxCounted = 32_768;

    private static readonly string[] English =
    [
        "An event exists once it is committed, and its position says where it stands.",
        "A reader that drops comes back with the last id it has seen and gets the rest, byte for byte.",
        "Nobody may read twelve and then see an eleven appear, so positions become visible in order.",
        "A slow reader costs nothing but its own lag, because a connection is a cursor and not a queue.",
        "The store is the truth and the relay is only the speed, which is why losing the relay loses nothing.",
        "A comment every fifteen seconds keeps a quiet stream from looking like a dead one.",
        "When the server stops, it says when to come back, and each client is told another moment.",
        "Tokens that arrive together are stored together, so a thousand answers need not mean a thousand writes.",
        "A generation belongs to the server: closing the tunnel, the lid or the tab does not end it.",
        "Whoever opens the same answer on a second screen reads the very same text.",
        "Backpressure is only honest when the producer really stops reading — otherwise it is just a bigger buffer.",
        "Errors have a name, a reason and a way out, even in the middle of a stream.",
        "It takes one line to open a stream in a browser and a careful server to keep it open. 🚆",
        "What two replicas say must be the same, or neither of them may say it.",
    ];

    private static readonly string[] Japanese =
    [
        "イベントは確定した時点で存在し、その位置がログの中での順番を示します。",
        "切断された読み手は最後の識別子を持って戻り、続きを一文字も失わずに受け取ります。",
        "遅い読み手が払うのは自分の遅れだけで、ほかの読み手を待たせることはありません。",
        "保存された記録が真実であり、中継はただ速さのためにあります。",
        "静かなストリームが死んだと思われないように、十五秒ごとに短い印を送ります。",
        "生成はサーバーのものなので、タブを閉じても、トンネルに入っても止まりません。🚆",
        "別の画面で同じ回答を開けば、まったく同じ文章が流れてきます。",
        "背圧とは、生産者が本当に読むのをやめることです。",
        "エラーには名前と理由と出口があります。",
    ];

    /// <summary>The tokens of an answer.</summary>
    /// <param name="prompt">Seed of the text; its language sets the answer's.</param>
    /// <param name="length">Number of tokens, or null for whole sentences, at least 60 to 89 tokens.</param>
    /// <param name="opening">Text before the answer.</param>
    public static IReadOnlyList<string> Tokens(string prompt, int? length = null, string opening = "")
    {
        var seed = Hash(prompt);
        var japanese = prompt.AsSpan().ContainsAnyInRange('぀', 'ヿ') || prompt.AsSpan().ContainsAnyInRange('一', '鿿');
        var tokens = new List<string>();

        Add(tokens, opening);
        Add(tokens, japanese ? $"「{Excerpt(prompt)}」についてお答えします。" : $"You asked: “{Excerpt(prompt)}”. ");
        var natural = 60 + (int)(seed % 30);
        var wanted = Math.Min(length ?? natural, MaxTokens);
        var pool = japanese ? Japanese : English;

        for (
            uint index = (uint)(seed >> 32) % (uint)pool.Length, step = 1 + (uint)(seed % 3);
            tokens.Count < wanted;
            index += step
        )
            Add(tokens, japanese ? pool[index % pool.Length] : pool[index % pool.Length] + " ");

        if (length is { } max && tokens.Count > Math.Min(max, MaxTokens))
        {
            tokens.RemoveRange(wanted, tokens.Count - wanted);
            // Long enough to look complete: end with a full stop.
            if (max >= natural)
                tokens[^1] = tokens[^1].TrimEnd(' ', ',', '.', ':', '、', '。') + (japanese ? "。" : ".");
        }

        if (tokens.Count > 0)
            tokens[^1] = tokens[^1].TrimEnd();

        return tokens;
    }

    /// <summary>Counts the tokens of a text.</summary>
    public static int Count(string text) => Count([text]);

    /// <summary>
    /// Counts the tokens of texts, without allocation. Text beyond <see cref="MaxCounted"/> characters is estimated
    /// from the tokens before it.
    /// </summary>
    public static int Count(IEnumerable<string> texts)
    {
        var (tokens, counted, length) = (0L, 0L, 0L);

        foreach (var text in texts)
        {
            length += text.Length;
            for (var rest = text.AsSpan(); rest.Length > 0 && counted < MaxCounted; tokens++)
            {
                var token = TokenLength(rest);
                counted += token;
                rest = rest[token..];
            }
        }

        return (int)Math.Min(int.MaxValue, counted == 0 ? 0 : tokens * length / counted);
    }

    /// <summary>The beginning of a prompt, cut between characters.</summary>
    public static string Beginning(string prompt) =>
        prompt.Length <= MaxSearched
            ? prompt
            : prompt[..(char.IsHighSurrogate(prompt[MaxSearched - 1]) ? MaxSearched - 1 : MaxSearched)];

    private static void Add(List<string> tokens, string text)
    {
        for (var rest = text.AsSpan(); rest.Length > 0 && tokens.Count < MaxTokens; )
        {
            var length = TokenLength(rest);
            tokens.Add(rest[..length].ToString());
            rest = rest[length..];
        }
    }

    /// <summary>
    /// Length of the first token: a word and the space after it, or three characters of a script without spaces.
    /// </summary>
    private static int TokenLength(ReadOnlySpan<char> text)
    {
        var (length, wide) = (0, 0);
        while (length < Math.Min(text.Length, MaxToken))
        {
            var element = text.Slice(length, ElementLength(text[length..]));
            length += element.Length;
            wide += element[0] > '⺀' ? 1 : 0;
            if (element is " " || wide >= 3)
                break;
        }

        return length;
    }

    /// <summary>Length of the first text element. Beside each other, characters of ASCII are elements of their own,
    /// except a line break of two.</summary>
    private static int ElementLength(ReadOnlySpan<char> text) =>
        text is [< '\u0080' and not '\r', < '\u0080', ..] ? 1 : StringInfo.GetNextTextElementLength(text);

    private static string Excerpt(string prompt)
    {
        prompt = Beginning(prompt);
        var line = string.Join(' ', prompt.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var info = new StringInfo(line);
        return info.LengthInTextElements <= 80 ? line : info.SubstringByTextElements(0, 80) + "…";
    }

    /// <summary>FNV-1a; the runtime's own string hash differs between processes.</summary>
    private static ulong Hash(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var value in Encoding.UTF8.GetBytes(text))
            hash = (hash ^ value) * 1099511628211UL;
        return hash ^ (hash >> 29);
    }
}
