using System.Text;
using LoadTests.Measuring;
using LoadTests.Running;

namespace LoadTests.Llm;

/// <summary>One answer of the fake upstream: so many tokens, each with the time it was sent. Said by one thread, read
/// by another.</summary>
internal sealed class UpstreamAnswer(LoadRun run, Lane lane, int tokens)
{
    private readonly Lock _gate = new();
    private readonly long _before = lane.Publisher.Issued;
    private readonly long[] _sentAt = new long[tokens];
    private readonly StringBuilder _text = new();
    private int _said;
    private bool _stopped;

    /// <summary>What was said so far.</summary>
    public string Text
    {
        get
        {
            lock (_gate)
                return _text.ToString();
        }
    }

    /// <summary>The next token, to be sent now; null at the end.</summary>
    public string? Say()
    {
        lock (_gate)
        {
            if (_stopped || _said == tokens)
                return null;
            var token = TokenText.Of(lane.Publisher.Next());
            _text.Append(token);
            _sentAt[_said++] = LoadEvent.Now();
            return token;
        }
    }

    /// <summary>The last token is on its way: from here on it must reach the reader. One that nobody took any more is
    /// not counted.</summary>
    public void Sent()
    {
        lock (_gate)
            lane.Publisher.Acknowledge(_before + _said);
        run.Counters.PublishedOne();
        run.Counters.AcknowledgedOne();
    }

    /// <summary>Whoever asked has ended; what was not said is not said any more.</summary>
    public void Stop()
    {
        lock (_gate)
            _stopped = true;
    }

    /// <summary>In nanoseconds as <see cref="LoadEvent.Now"/> has them; 0 for a token that is none of this
    /// answer.</summary>
    public long SentAt(long sequence)
    {
        lock (_gate)
            return sequence > _before && sequence <= _before + _said ? _sentAt[sequence - _before - 1] : 0;
    }
}
