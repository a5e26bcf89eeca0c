using Streaming.Fanout;

namespace Streaming.Connections;

/// <summary>
/// Orders the writes of one writer loop in rounds: a round writes each filter ring that has grown at most once, and a
/// pause follows it (<see cref="WritePacing"/>). Events for few connections and events for thousands have rounds of
/// their own, which take turns. Not thread-safe.
/// </summary>
/// <remarks>
/// A round is cut into slices, between which the loop takes commands and more rings; a ring that the round has not
/// written yet goes first, during the pause too. So an event for few connections waits neither for an event to
/// thousands nor for the pause after it.
/// </remarks>
internal sealed class WriteRounds(int loop, Func<WritePacing> pacing, TimeProvider clock, WriteRounds.Write write)
{
    /// <summary>An idle loop checks its connections once a second.</summary>
    private const int IdleMilliseconds = 1_000;

    /// <summary>Maximum connections of an event for few.</summary>
    private const int Few = 100;

    private readonly Rounds _few = new(1, loop, pacing(), clock, write);
    private readonly Rounds _thousands = new(2, loop, pacing(), clock, write);

    /// <summary>Writes what is new in a ring to its connections.</summary>
    /// <param name="ring">The ring.</param>
    /// <param name="until">Timestamp at which to stop between two connections.</param>
    /// <param name="batched">Most events that one write contained.</param>
    /// <returns>False if connections are left; the ring is written again then.</returns>
    public delegate bool Write(FilterRing ring, long until, out int batched);

    /// <summary>Longest time that the loop may sleep without a signal, in milliseconds.</summary>
    public int SleepMilliseconds => Math.Min(_few.SleepMilliseconds, _thousands.SleepMilliseconds);

    /// <summary>Adds rings that have grown and are not listed yet.</summary>
    public void Add(List<FilterRing> grown)
    {
        foreach (var ring in grown)
            (ring.Audience <= Few ? _few : _thousands).Add(ring);
    }

    /// <summary>Writes for about a millisecond of each kind, if anything is due.</summary>
    public void WriteSlice()
    {
        _few.WriteSlice();
        _thousands.WriteSlice();
    }

    /// <summary>The rounds of one kind of events, numbered <paramref name="first"/>, + 2, + 4 and so on: a ring can
    /// change from one kind to the other.</summary>
    private sealed class Rounds(int first, int loop, WritePacing pacing, TimeProvider clock, Write write)
    {
        private readonly long _slice = clock.TimestampFrequency / 1_000;
        private readonly List<FilterRing> _due = [];
        private readonly List<FilterRing> _later = [];
        private long _round = first;
        private long _worked;
        private int _batched;

        public int SleepMilliseconds =>
            _due.Count > 0 ? 0
            : _later.Count > 0 ? Math.Max(0, pacing.Milliseconds)
            : IdleMilliseconds;

        public void Add(FilterRing ring) => (ring.Loops[loop].Round == _round ? _later : _due).Add(ring);

        public void WriteSlice()
        {
            if (_due.Count == 0 && _later.Count > 0 && pacing.Milliseconds <= 0)
                Begin();
            if (_due.Count == 0)
                return;

            var begun = clock.GetTimestamp();
            var now = 0L;
            do
            {
                var ring = _due[^1];
                ring.Loops[loop].Round = _round;
                if (write(ring, begun + _slice, out var batched))
                    _due.RemoveAt(_due.Count - 1);
                _batched = Math.Max(_batched, batched);
                now = clock.GetTimestamp();
            } while (_due.Count > 0 && now < begun + _slice);

            _worked += now - begun;
            if (_due.Count > 0)
                return;

            pacing.Begin(_worked, _batched);
            _worked = 0;
            _batched = 0;
        }

        /// <summary>Begins the next round, with the ring that has waited longest.</summary>
        private void Begin()
        {
            _round += 2;
            _later.Reverse();
            _due.AddRange(_later);
            _later.Clear();
        }
    }
}
