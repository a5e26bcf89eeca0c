using CsCheck;
using EventStore;

namespace Core.EventStore;

/// <summary>Requests that wait for a group commit: bounded in bytes, and fair between publishers.</summary>
public sealed class AppendQueueTests
{
    private const int Kilobyte = 1024,
        Bound = 100 * Kilobyte,
        LargestSize = 12;

    private static readonly int[] Sizes = [1, 1, 2, 5, LargestSize];

    /// <summary>Null takes the next request; otherwise one of this publisher and size in kilobytes is added.</summary>
    private static readonly Gen<(string Publisher, int Size)?> Step = Gen.Select(
        Gen.Int[0, 3],
        Gen.Int[0, Sizes.Length - 1],
        (publisher, size) => publisher == 3 ? ((string, int)?)null : ($"{publisher}", Sizes[size])
    );

    [Fact]
    public void Requests_leave_in_fair_turns_and_their_order_and_are_refused_above_the_bound_by_their_share() =>
        Step.Array[0, 80]
            .Sample(
                steps =>
                {
                    var model = new Model();
                    foreach (var step in steps)
                        if (step is var (publisher, size))
                            model.Add(Request(publisher, size * Kilobyte));
                        else
                            model.Take();
                },
                seed: "0N0XIzNsQ0O2",
                iter: 2_000
            );

    [Fact]
    public void A_request_larger_than_the_bound_is_accepted_by_an_empty_queue()
    {
        var queue = new AppendQueue(Bound);
        queue.Add(Request("large", Bound));
        Assert.Equal("large", queue.Take()!.Publisher);
    }

    [Fact]
    public void After_the_end_nothing_is_taken_in()
    {
        var queue = new AppendQueue(Bound);
        var waiting = Request("one", Kilobyte);
        queue.Add(waiting);
        queue.Close();
        Assert.IsType<StoreUnavailableException>(waiting.Completion.Task.Exception!.InnerException);
        Assert.Throws<StoreUnavailableException>(() => queue.Add(Request("one", Kilobyte)));
    }

    [Fact]
    public async Task A_wait_ends_with_the_next_request()
    {
        var queue = new AppendQueue(Bound);
        var waiting = queue.WaitAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.False(waiting.IsCompleted);

        queue.Add(Request("one", Kilobyte));
        queue.Add(Request("one", Kilobyte));
        await waiting;
        await queue.WaitAsync(TestContext.Current.CancellationToken);
    }

    private static EventAppender.Request Request(string publisher, int bytes) =>
        new([new NewEvent("t", "n", new string('1', bytes))], publisher);

    /// <summary>The queue, and lists of what must wait in it.</summary>
    private sealed class Model
    {
        /// <summary>A turn of each of two publishers, in memory.</summary>
        private static readonly long MostAhead = 2 * Request("a", LargestSize * Kilobyte).Bytes;

        private readonly AppendQueue _queue = new(Bound);
        private readonly Dictionary<string, List<EventAppender.Request>> _waiting = [];

        /// <summary>Bytes that the first publisher was served more than the second, while both had requests
        /// waiting.</summary>
        private readonly Dictionary<(string, string), long> _ahead = [];

        public void Add(EventAppender.Request request)
        {
            var own = _waiting.GetValueOrDefault(request.Publisher, []);
            var publishers = _waiting.Count + (own.Count == 0 ? 1 : 0);
            var isLarge = BytesOf(own) + request.Bytes > Bound / publishers;
            var isAdmitted = All == 0 || All + request.Bytes <= (isLarge ? Bound : 2 * Bound);
            try
            {
                _queue.Add(request);
                Assert.True(isAdmitted, "A request above the bound was admitted.");
                _waiting[request.Publisher] = [.. own, request];
            }
            catch (AppendQueueFullException)
            {
                Assert.False(isAdmitted, "A request within the bound was refused.");
            }

            Assert.Equal(All, _queue.Bytes);
        }

        public void Take()
        {
            var taken = _queue.Take();
            if (taken is null)
            {
                Assert.Empty(_waiting);
                return;
            }

            var publisher = taken.Publisher;
            Assert.Same(_waiting[publisher][0], taken);

            foreach (var other in _waiting.Keys.Where(other => other != publisher))
            {
                var ahead = _ahead[(publisher, other)] = _ahead.GetValueOrDefault((publisher, other)) + taken.Bytes;
                _ahead[(other, publisher)] = -ahead;
                Assert.InRange(ahead, -MostAhead, MostAhead);
            }

            _waiting[publisher].RemoveAt(0);

            if (_waiting[publisher].Count == 0)
                Leave(publisher);

            Assert.Equal(All, _queue.Bytes);
        }

        private long All => _waiting.Values.Sum(BytesOf);

        private void Leave(string publisher)
        {
            _waiting.Remove(publisher);
            foreach (var pair in _ahead.Keys.Where(p => p.Item1 == publisher || p.Item2 == publisher).ToList())
                _ahead.Remove(pair);
        }

        private static long BytesOf(List<EventAppender.Request> requests) => requests.Sum(r => r.Bytes);
    }
}
