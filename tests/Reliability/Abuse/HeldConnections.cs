using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Reliability.Abuse;

/// <summary>Abuses that open connections and hold them.</summary>
internal static class HeldConnections
{
    private const int Connections = 10_000,
        Threads = 4,
        Heads = 1_000,
        Bodies = 500,
        Pages = 300;

    /// <summary>Requests one stream after the other, this number at a time, and keeps every connection
    /// open.</summary>
    public static Func<AbuseTarget, CancellationToken, Task<string>> Connect(int underWay) =>
        async (target, over) =>
        {
            var answers = new AnswerCounts();
            var open = new ConcurrentBag<RawConnection>();
            var token = AbuseTarget.Token();
            var without = 0;

            RawConnection Ask()
            {
                var connection = new RawConnection(target.Next());
                open.Add(connection);
                connection.SendHead("GET", "/v1/events/stream?topic=flood.%3E", token);
                return connection;
            }

            void ReadResponse(RawConnection connection)
            {
                var (status, hasRetryAfter) = connection.ReadAnswer(withBody: false);
                answers.Count(status);
                if (status != 200 && !hasRetryAfter)
                    Interlocked.Increment(ref without);
            }

            // A connection that is refused or closed is an answer, too.
            void Try(Action act)
            {
                try
                {
                    act();
                }
                catch (SocketException)
                {
                    answers.Count(0);
                }
            }

            try
            {
                await Attack.OnThreads(
                    Threads,
                    _ =>
                    {
                        var asked = new Queue<RawConnection>();
                        for (var i = 0; i < Connections / Threads; i++)
                        {
                            if (asked.Count == underWay / Threads)
                                Try(() => ReadResponse(asked.Dequeue()));
                            Try(() => asked.Enqueue(Ask()));
                        }

                        foreach (var connection in asked)
                            Try(() => ReadResponse(connection));
                    }
                );
                await AbusiveRequests.WaitAsync(target, over);
            }
            finally
            {
                foreach (var connection in open)
                    connection.Dispose();
            }

            return $"{answers}{(without > 0 ? $", **{without} without Retry-After**" : "")}";
        };

    /// <summary>Sends a byte a second on each of many connections; replaces those that are cut off.</summary>
    public static async Task<string> TrickleAsync(AbuseTarget target, CancellationToken over)
    {
        var token = AbuseTarget.Token();
        var cut = await HoldAsync(
            Heads + Bodies,
            number =>
            {
                var connection = new RawConnection(target.Next());

                if (number < Heads)
                    connection.Send("GET /alive HTTP/1.1\r\nHost: localhost\r\nX-Slow: "u8);
                else
                    connection.SendHead(
                        "POST",
                        "/v1/events",
                        token,
                        "Content-Type: application/json\r\nContent-Length: 100000\r\n"
                    );

                return connection;
            },
            connection => !connection.IsClosed && connection.TrySend(" "u8),
            over
        );

        return $"{Heads} heads and {Bodies} bodies at a time, {cut} cut off";
    }

    /// <summary>Requests pages of megabytes and does not read them; repeats those that are cut off.</summary>
    public static Func<AbuseTarget, CancellationToken, Task<string>> AskForPages(string path, string[] tokens) =>
        async (target, over) =>
        {
            var cut = await HoldAsync(
                Pages,
                number =>
                {
                    var connection = new RawConnection(target.Next(), receiveBuffer: 4_096);
                    connection.SendHead("GET", path, tokens[number % tokens.Length]);
                    return connection;
                },
                connection => connection.TrySend(" "u8),
                over
            );
            return $"{Pages} at a time, {cut} cut off";
        };

    /// <summary>Holds connections, looks at each once a second, and replaces those that are gone.</summary>
    /// <returns>The number of those that were replaced.</returns>
    private static async Task<int> HoldAsync(
        int count,
        Func<int, RawConnection> open,
        Predicate<RawConnection> isThere,
        CancellationToken over
    )
    {
        var replaced = 0;
        await Attack.OnThreads(
            1,
            _ =>
            {
                var held = Enumerable.Range(0, count).Select(open).ToList();

                while (!over.IsCancellationRequested)
                    for (var i = 0; i < count; i++)
                    {
                        // Spread over the second, as many clients would be.
                        if (i % (count / 100) == 0 && over.WaitHandle.WaitOne(10))
                            break;
                        if (isThere(held[i]))
                            continue;

                        held[i].Dispose();
                        held[i] = open(i);
                        replaced++;
                    }

                foreach (var connection in held)
                    connection.Dispose();
            }
        );

        return replaced;
    }
}
