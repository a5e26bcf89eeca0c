using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace AspireSse.Server;

/// <summary>Maps topics and patterns to values. A look-up costs at most two operations per token and 64 patterns,
/// whatever the wildcards (docs/decisions/0033); look-ups are safe from any thread while nothing changes.</summary>
/// <remarks>Needed only by a host that matches topics with many patterns itself, as StreamApi does to count
/// subscribers.</remarks>
public sealed class PatternMap<T>
    where T : class
{
    private const int WordsOnStack = 64;

    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<T?> _values = [];
    private readonly Stack<int> _free = [];
    private readonly List<Level> _levels = [];

    /// <summary>Number of topics and patterns.</summary>
    public int Count => _numbers.Count;

    /// <summary>Adds a valid topic or pattern that the map does not have.</summary>
    public void Add(string pattern, T value)
    {
        var number = _free.TryPop(out var free) ? free : _values.Count;
        _numbers.Add(pattern, number);

        if (number == _values.Count)
            _values.Add(value);
        else
            _values[number] = value;

        Change(pattern, number, static (bits, number) => bits.Set(number));
    }

    /// <summary>Returns the value of a pattern itself, or null. Wildcards match only themselves.</summary>
    public T? Get(string pattern) => _numbers.TryGetValue(pattern, out var number) ? _values[number] : null;

    /// <summary>Removes a pattern that the map has.</summary>
    public void Remove(string pattern)
    {
        _numbers.Remove(pattern, out var number);
        _values[number] = null;
        _free.Push(number);
        Change(pattern, number, static (bits, number) => bits.Clear(number));

        if (Count > 0)
            return;

        _values.Clear();
        _free.Clear();
    }

    /// <summary>Returns true if any pattern matches a valid topic.</summary>
    public bool Matches(string topic) => Count > 0 && Find(topic, null, out _);

    /// <summary>Adds the values of the patterns that match a valid topic to <paramref name="found"/>. Returns the cost,
    /// in words compared.</summary>
    public int Find(string topic, List<T> found)
    {
        if (Count == 0)
            return 0;
        Find(topic, found, out var compared);
        return compared;
    }

    private bool Find(ReadOnlySpan<char> rest, List<T>? found, out int compared)
    {
        compared = 0;
        var words = (_values.Count + 63) / 64;
        var rented = words > WordsOnStack ? ArrayPool<ulong>.Shared.Rent(2 * words) : null;
        Span<ulong> both = rented is null ? stackalloc ulong[2 * WordsOnStack] : rented;
        // Patterns that match the tokens so far, and those that match the next token too.
        Span<ulong> here = both[..words],
            next = both.Slice(words, words);

        here.Fill(ulong.MaxValue);
        var matches = false;
        foreach (var level in _levels)
        {
            compared += level.Rest.Count;
            matches |= Take(level.Rest, here, found);
            var dot = rest.IndexOf('.');
            var token = dot < 0 ? rest : rest[..dot];

            next.Clear();
            compared += level.AnyToken.Count;
            var isMatched = level.AnyToken.And(here, next);

            if (level.Tokens.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var named))
            {
                compared += named.Count;
                isMatched |= named.And(here, next);
            }

            if (dot < 0)
                matches |= isMatched && Take(level.Ends, next, found);
            if (dot < 0 || !isMatched || (matches && found is null))
                break;

            rest = rest[(dot + 1)..];
            var matched = next;
            next = here;
            here = matched;
        }

        if (rented is not null)
            ArrayPool<ulong>.Shared.Return(rented);

        return matches;
    }

    private bool Take(Bits bits, ReadOnlySpan<ulong> matched, List<T>? found)
    {
        var any = false;
        foreach (var (index, mask) in bits.Words)
        {
            var both = mask & matched[index];
            any |= both != 0;
            for (; both != 0 && found is not null; both &= both - 1)
                found.Add(_values[index * 64 + BitOperations.TrailingZeroCount(both)]!);
        }

        return any;
    }

    private void Change(string pattern, int number, Action<Bits, int> change)
    {
        var tokens = pattern.Split('.');
        for (var i = 0; i < tokens.Length; i++)
        {
            if (i == _levels.Count)
                _levels.Add(new Level());

            var level = _levels[i];

            if (tokens[i] == ">")
            {
                change(level.Rest, number);
                return;
            }

            if (tokens[i] == "*")
                change(level.AnyToken, number);
            else
            {
                if (!level.Tokens.TryGetValue(tokens[i], out var named))
                    level.Tokens.Add(tokens[i], named = new Bits());
                change(named, number);
                if (named.Count == 0)
                    level.Tokens.Remove(tokens[i]);
            }
        }

        change(_levels[tokens.Length - 1].Ends, number);
    }

    private sealed class Level
    {
        public Dictionary<string, Bits> Tokens { get; } = new(StringComparer.Ordinal);
        public Bits AnyToken { get; } = new();

        /// <summary>Patterns with <c>&gt;</c> at this level.</summary>
        public Bits Rest { get; } = new();

        /// <summary>Patterns whose last token is at this level.</summary>
        public Bits Ends { get; } = new();
    }

    /// <summary>A set of numbers as 64-bit words in order, without empty words.</summary>
    private sealed class Bits
    {
        private readonly List<(int Index, ulong Mask)> _words = new(1);

        public int Count => _words.Count;

        public ReadOnlySpan<(int Index, ulong Mask)> Words => CollectionsMarshal.AsSpan(_words);

        public void Set(int number)
        {
            var at = Place(number / 64);
            if (at == _words.Count || _words[at].Index != number / 64)
                _words.Insert(at, (number / 64, 0));
            _words[at] = (number / 64, _words[at].Mask | (1UL << (number % 64)));
        }

        public void Clear(int number)
        {
            var at = Place(number / 64);
            var mask = _words[at].Mask & ~(1UL << (number % 64));
            if (mask == 0)
                _words.RemoveAt(at);
            else
                _words[at] = (number / 64, mask);
        }

        /// <summary>Adds the numbers that are also in <paramref name="matched"/> to <paramref name="both"/>.</summary>
        public bool And(ReadOnlySpan<ulong> matched, Span<ulong> both)
        {
            var any = 0UL;
            foreach (var (index, mask) in Words)
            {
                var common = mask & matched[index];
                both[index] |= common;
                any |= common;
            }

            return any != 0;
        }

        /// <summary>Returns the index in the list of the first word that is not before this one.</summary>
        private int Place(int word) => ~_words.BinarySearch((word, 0)); // no word is empty, so it is never found
    }
}
