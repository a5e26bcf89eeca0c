using System.Text;
using LoadTests.Loads;
using LoadTests.Measurements;

namespace LoadTests.Llm;

/// <summary>One answer of the fake upstream: a number of tokens, each with the time it was sent. Thread-safe.</summary>
internal sealed class UpstreamAnswer(LoadRun run, Lane lane, int tokens)
{
    private readonly Lock _gate = new();
    private readonly long _lastBefore = lane.Publisher.Issued;
    private readonly long[] _sentAt = new long[tokens];
    private readonly StringBuilder _text = new();
    private int _count;
    private bool _stopped;

    /// <summary>The text sent so far.</summary>
    public string Text
    {
        get
        {
            lock (_gate)
                return _text.ToString();
        }
    }

    /// <summary>Returns the next token to send now, or null at the end.</summary>
    public string? NextToken()
    {
        lock (_gate)
        {
            if (_stopped || _count == tokens)
                return null;
            var token = TokenText.Of(lane.Publisher.Next());
            _text.Append(token);
            _sentAt[_count++] = LoadEvent.Now();
            return token;
        }
    }

    /// <summary>Acknowledges the tokens that the socket has taken; from now on they must reach the reader.</summary>
    public void MarkSent()
    {
        lock (_gate)
            lane.Publisher.Acknowledge(_lastBefore + _count);
        run.Counters.RecordPublished();
        run.Counters.RecordAcknowledged();
    }

    /// <summary>Ends the answer early, after its client has gone.</summary>
    public void Stop()
    {
        lock (_gate)
            _stopped = true;
    }

    /// <summary>Returns the time a token was sent, in nanoseconds of
    /// <see cref="LoadEvent.Now"/>, or 0 for an unknown token.</summary>
    public long SentAt(long sequence)
    {
        lock (_gate)
            return sequence > _lastBefore && sequence <= _lastBefore + _count ? _sentAt[sequence - _lastBefore - 1] : 0;
    }
}
