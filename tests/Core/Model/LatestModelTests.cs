using CsCheck;
using Streaming.Connections;

namespace Core.Model;

/// <summary>Readers of <c>slow=latest</c> that fall behind and catch up at random, while the log forks: each sees its
/// events in order and none twice, is told what it is not sent, and has the newest of each topic in the end.</summary>
/// <remarks>The log reaches the one replica without fault, so that nothing else happens than in
/// <see cref="SystemModelTests"/>, but more of it.</remarks>
public sealed class LatestModelTests
{
    private const int Worlds = 1_000;

    [Fact]
    public void A_reader_of_the_newest_events_has_them_in_order_and_is_told_of_the_others()
    {
        var received = 0;
        var skips = 0;
        var returns = 0;
        var resyncs = 0;

        ModelStep.Some.Sample(
            steps =>
            {
                using var world = new World();
                world.Play(steps);
                Interlocked.Add(ref received, world.Readers.Sum(r => r.Received));
                Interlocked.Add(ref skips, world.Readers.Sum(r => r.Skips));
                Interlocked.Add(ref returns, world.Readers.Sum(r => r.Returns));
                Interlocked.Add(ref resyncs, world.Readers.Sum(r => r.Resyncs));
            },
            seed: "0N0XIzNsQ0O2",
            iter: Worlds
        );

        Assert.True(
            received > 20 * Worlds && skips > Worlds && returns > Worlds / 10 && resyncs > Worlds / 2,
            $"little happened: {received} events, {skips} skips, {returns} returns to a fork, {resyncs} resyncs"
        );
    }

    private sealed class World : IDisposable
    {
        /// <summary>Far more than any stream needs.</summary>
        private const int MostTurns = 2_000;

        private static readonly string[] Topics = ["a.x", "a.x", "a.x", "b.x", "b.x", "c.x"];

        private readonly ModelChance _chance = new();
        private readonly ModelStore _store = new();
        private readonly ModelReplica _replica;

        public World()
        {
            _replica = new ModelReplica(_store, new ModelChannel(_chance), _chance) { BeforeLargeRead = () => { } };
            Readers = [.. Topics.Distinct().Append(">").Select(NewReader)];
            Open();
        }

        public ModelReader[] Readers { get; }

        public void Play(IEnumerable<ModelStep> steps)
        {
            foreach (var (number, seed) in steps)
            {
                _chance.Begin(seed);
                Step(number % 20);
            }

            for (var round = 0; round < 2; round++)
            {
                _replica.CatchUp();
                for (var turns = 0; Turn(); turns++)
                    if (turns == MostTurns)
                        throw new ModelException(ModelFlaw.Endless, "the streams never come to rest");
                Open();
            }

            foreach (var reader in Readers)
                reader.End();
        }

        public void Dispose() => _replica.Dispose();

        private void Step(int number)
        {
            switch (number)
            {
                case < 4:
                    var topics = Enumerable.Range(0, _chance.Next(1, 5)).Select(_ => Topics[_chance.Next(6)]);
                    _store.Append(_store.Now, [.. topics], skipsPosition: _chance.OneIn(10));
                    break;

                case < 7:
                    _replica.CatchUp();
                    break;
                case < 12:
                    _replica.Loop.RunOnce();
                    break;
                case < 15:
                    Reader().Take();
                    break;
                case < 17:
                    _replica.Replay.Answer();
                    break;

                case 17:
                    _replica.Advance(TimeSpan.FromSeconds(1));
                    break;
                case 18:
                    _store.Promote(lost: _chance.Next(4));
                    break;
                default:
                    if (_chance.OneIn(4))
                        Reader().Drop();
                    Open();
                    break;
            }
        }

        /// <summary>Returns false if nothing is left to do.</summary>
        private bool Turn()
        {
            _replica.Loop.RunOnce();
            var goesOn = _replica.Replay.Answer();
            foreach (var reader in Readers)
                goesOn |= reader.Take();
            return goesOn;
        }

        private void Open()
        {
            foreach (var reader in Readers)
                reader.Open(_replica);
        }

        private ModelReader Reader() => Readers[_chance.Next(Readers.Length)];

        private ModelReader NewReader(string topic) =>
            new(_store, [topic], name => topic == ">" || name == topic, SlowClientPolicy.Latest);
    }
}
