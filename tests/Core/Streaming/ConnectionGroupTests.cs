using System.IO.Pipelines;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

public class ConnectionGroupTests
{
    [Fact]
    public void A_pass_visits_each_ready_connection_once_and_no_parked_one()
    {
        var random = new Random(7);
        var (group, parked) = (new ConnectionGroup(), new HashSet<StreamConnection>());
        var all = new HashSet<StreamConnection>();
        for (var round = 0; round < 2_000; round++)
        {
            if (random.Next(3) > 0)
            {
                var added = Connection($"c{round}");
                all.Add(added);
                group.Add(added);
            }

            if (parked.Count > 0 && random.Next(2) == 0)
            {
                var one = parked.ElementAt(random.Next(parked.Count));
                parked.Remove(one);
                group.Resume(one);
            }

            if (all.Count > 0 && random.Next(4) == 0)
            {
                var left = all.ElementAt(random.Next(all.Count));
                all.Remove(left);
                parked.Remove(left);
                group.Remove(left);
            }

            var (due, visited) = (all.Except(parked).ToHashSet(), new HashSet<StreamConnection>());
            group.BeginPass();

            while (group.TakeNext() is { } connection)
            {
                Assert.True(visited.Add(connection));
                if (random.Next(10) == 0)
                {
                    group.Park(connection);
                    parked.Add(connection);
                }
                else if (random.Next(20) == 0)
                {
                    group.Remove(connection);
                    all.Remove(connection);
                }
            }

            Assert.True(due.SetEquals(visited));
            Assert.Equal(all.Count, group.Count);
        }
    }

    [Fact]
    public void An_interrupted_pass_misses_no_connection_that_was_ready_when_it_began()
    {
        var random = new Random(3);
        for (var round = 0; round < 2_000; round++)
        {
            var (group, parked) = (new ConnectionGroup(), new List<StreamConnection>());

            for (var i = 0; i < 12; i++)
                group.Add(Connection($"c{i}"));

            for (var i = random.Next(4); i > 0; i--)
                Park(group[random.Next(group.Ready)]);

            var due = Enumerable.Range(0, group.Ready).Select(i => group[i]).ToHashSet();
            group.BeginPass();

            while (group.TakeNext() is { } connection)
            {
                due.Remove(connection);

                if (random.Next(4) == 0)
                    Park(connection);

                switch (random.Next(6))
                {
                    case 0:
                        group.Add(Connection("late"));
                        break;
                    case 1 when parked.Count > 0:
                        group.Resume(parked[0]);
                        parked.RemoveAt(0);
                        break;
                    case 2 when group.Count > 0:
                        var left = group[random.Next(group.Count)];
                        due.Remove(left);
                        parked.Remove(left);
                        group.Remove(left);
                        break;
                }
            }

            Assert.Empty(due);

            void Park(StreamConnection connection)
            {
                group.Park(connection);
                parked.Add(connection);
            }
        }
    }

    private static StreamConnection Connection(string id)
    {
        var rings = TestRings.Create();
        return new StreamConnection(
            id,
            rings.Acquire(new StreamFilter(["t"], [], [], NamedFormat.Always)),
            rings,
            new PipeOutput(new Pipe().Writer, chunked: false, new PendingWriteBudget(1_000, _ => { })),
            new StreamClient("", null, "", ""),
            start: default
        )
        {
            Deadlines = LoopStream.Deadlines(),
        };
    }
}
