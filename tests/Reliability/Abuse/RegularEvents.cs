using System.Diagnostics;

namespace Reliability.Abuse;

/// <summary>
/// The regular users' events: when each was due, its answer, and when each reader received it. An event that was due
/// and never came counts in every percentile, as infinitely late.
/// </summary>
/// <param name="readers">Number of readers; each receives every event.</param>
/// <param name="begun">Timestamp at which event 0 is due.</param>
/// <param name="interval">Time between two events, in units of <see cref="Stopwatch.Frequency"/>.</param>
internal sealed class RegularEvents(int readers, long begun, long interval)
{
    private readonly Lock _lock = new();
    private readonly List<Sent?> _sent = [];

    /// <summary>Events that a reader received again.</summary>
    public long Duplicates { get; private set; }

    public long DueAt(int number) => begun + number * interval;

    /// <summary>Notes that an event is sent. A timer may fire a little before it is due.</summary>
    public void Send(int number, long now)
    {
        lock (_lock)
        {
            while (_sent.Count <= number)
                _sent.Add(null);
            _sent[number] = new Sent(Math.Min(now, DueAt(number)), new long[readers]);
        }
    }

    public void Answer(int number, bool isAcknowledged, long now)
    {
        lock (_lock)
        {
            _sent[number]!.IsAcknowledged = isAcknowledged;
            _sent[number]!.AnsweredAt = now;
        }
    }

    public void Receive(int reader, int number, long now)
    {
        lock (_lock)
        {
            ref var at = ref _sent[number]!.ReceivedAt[reader];
            if (at != 0)
                Duplicates++;
            else
                at = now;
        }
    }

    /// <summary>Returns the events that were due in a time, whether they were sent or not.</summary>
    public EventWindow Between(long from, long to)
    {
        var latencies = new List<double>();
        var refused = 0L;
        var lost = 0L;
        var waiting = 0L;
        var slowest = 0.0;

        lock (_lock)
            for (var number = FirstDueAt(from); number < FirstDueAt(to); number++)
            {
                var sent = number < _sent.Count ? _sent[number] : null;
                if (sent is null)
                    waiting++;
                else if (sent.IsAcknowledged is null)
                    waiting++;
                else
                {
                    refused += sent.IsAcknowledged is false ? 1 : 0;
                    var took = Stopwatch.GetElapsedTime(sent.From, sent.AnsweredAt).TotalMilliseconds;
                    slowest = Math.Max(slowest, took);
                }

                for (var reader = 0; reader < readers; reader++)
                    if (sent?.ReceivedAt[reader] is > 0 and var at)
                        latencies.Add(Stopwatch.GetElapsedTime(sent.From, at).TotalMilliseconds);
                    else
                    {
                        latencies.Add(double.PositiveInfinity);
                        if (sent?.IsAcknowledged is true)
                            lost++;
                    }
            }

        return new EventWindow(latencies, refused, lost, waiting, slowest);
    }

    private int FirstDueAt(long time) => (int)Math.Max(0, (time - begun + interval - 1) / interval);

    private sealed class Sent(long from, long[] receivedAt)
    {
        public long From => from;
        public long[] ReceivedAt => receivedAt;

        /// <summary>Null until the answer.</summary>
        public bool? IsAcknowledged { get; set; }

        public long AnsweredAt { get; set; }
    }
}

/// <summary>The regular users' events that were due in a time.</summary>
/// <param name="Latencies">Milliseconds from due to receive, for each event and reader; infinite: not
/// received.</param>
/// <param name="Refused">Events whose publish was not acknowledged.</param>
/// <param name="Lost">Acknowledged events that a reader has not received, over all readers.</param>
/// <param name="Waiting">Events that were not sent or not answered yet.</param>
/// <param name="SlowestAnswer">Most milliseconds from the time at which an event was due to the answer of its
/// publish.</param>
internal sealed record EventWindow(
    IReadOnlyList<double> Latencies,
    long Refused,
    long Lost,
    long Waiting,
    double SlowestAnswer
)
{
    /// <summary>True when every publish was answered, and every acknowledged event has arrived.</summary>
    public bool IsOver => Waiting + Lost == 0;

    /// <summary>The 99th percentile by nearest rank; not a number without an event.</summary>
    public double P99 => Percentile(0.99);

    /// <summary>The median by nearest rank; not a number without an event.</summary>
    public double Median => Percentile(0.5);

    public EventWindow With(EventWindow other) =>
        new(
            [.. Latencies, .. other.Latencies],
            Refused + other.Refused,
            Lost + other.Lost,
            Waiting + other.Waiting,
            Math.Max(SlowestAnswer, other.SlowestAnswer)
        );

    private double Percentile(double share) =>
        Latencies.Count == 0
            ? double.NaN
            : Latencies.Order().ElementAt((int)Math.Ceiling(Latencies.Count * share - 1e-6) - 1);
}
