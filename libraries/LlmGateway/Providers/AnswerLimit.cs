namespace LlmGateway.Providers;

/// <summary>
/// Counts the bytes of a provider's answer and refuses one that is too large. It reads nothing itself: the caller adds
/// each block of bytes before a parser gets the block, so that no parser buffers more than one event.
/// </summary>
internal sealed class AnswerLimit(string provider, long maxBytes)
{
    /// <summary>
    /// Longest event, in bytes. An event becomes a part of the client's next request, which has at most this length
    /// (<see cref="LlmOptions.MaxRequestBytes"/> by default).
    /// </summary>
    public const int MaxEventBytes = 4 * 1024 * 1024;

    private long _bytes;
    private int _eventBytes;
    private bool _lineIsEmpty = true;
    private bool _followsCr;

    /// <summary>Adds the next bytes of the answer.</summary>
    /// <exception cref="UpstreamException">The answer, or one event of it, is too large.</exception>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        _bytes += bytes.Length;
        if (_bytes > maxBytes)
            throw AnswerTooLarge(provider, maxBytes);

        while (bytes.IndexOfAny((byte)'\r', (byte)'\n') is >= 0 and var end)
        {
            AddToLine(end);
            EndLine(bytes[end]);
            bytes = bytes[(end + 1)..];
        }

        AddToLine(bytes.Length);
    }

    private void AddToLine(int bytes)
    {
        if (bytes == 0)
            return;
        _lineIsEmpty = false;
        _followsCr = false;
        AddToEvent(bytes);
    }

    /// <summary>Ends a line at CR, LF or CRLF; an empty line ends the event (HTML Living Standard §9.2.6).</summary>
    private void EndLine(byte end)
    {
        AddToEvent(1);
        var isSecondOfPair = _followsCr && end == '\n';
        if (!isSecondOfPair)
        {
            if (_lineIsEmpty)
                _eventBytes = 0;
            _lineIsEmpty = true;
        }

        _followsCr = end == '\r';
    }

    private void AddToEvent(int bytes)
    {
        _eventBytes += bytes;
        if (_eventBytes > MaxEventBytes)
            throw TooLarge($"{provider} sent an event of more than {MaxEventBytes} bytes.");
    }

    /// <summary>The error for an answer beyond <see cref="ProviderOptions.MaxAnswerBytes"/>.</summary>
    public static UpstreamException AnswerTooLarge(string provider, long maxBytes) =>
        TooLarge(
            $"The answer of {provider} is larger than {maxBytes} bytes "
                + $"(AspireSse:Llm:Providers:{provider}:MaxAnswerBytes)."
        );

    private static UpstreamException TooLarge(string message) =>
        new(502, UpstreamException.TooLarge, message + " The answer is incomplete.");
}
