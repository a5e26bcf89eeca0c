using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Reliability.Abuse;

/// <summary>Abuses that open connections and hold them.</summary>
internal static partial class AbuseCatalog
{
    /// <summary>Requests one stream after the other, this number at a time, and keeps every connection
    /// open.</summary>
    private static async Task<string> ConnectAsync(AbuseTarget target, int underWay, CancellationToken over)
    {
        const int Threads = 4;
        var (answers, without, open, token) = (
            new Answers(),
            0,
            new ConcurrentBag<RawConnection>(),
            AbuseTarget.Token()
        );
        RawConnection? Ask()
        {
            try
            {
                var connection = new RawConnection(target.Next());
                open.Add(connection);
                connection.SendHead("GET", "/v1/events/stream?topic=flood.%3E", token);
                return connection;
            }
            catch (SocketException)
            {
                answers.Count(0);
                return null;
            }
        }

        void ReadResponse(RawConnection connection)
        {
            try
            {
                var (status, hasRetryAfter) = connection.ReadAnswer(withBody: false);
                answers.Count(status);
                if (status != 200 && !hasRetryAfter)
                    Interlocked.Increment(ref without);
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
                            ReadResponse(asked.Dequeue());
                        if (Ask() is { } connection)
                            asked.Enqueue(connection);
                    }
                    foreach (var connection in asked)
                        ReadResponse(connection);
                }
            );
            await Until(over);
        }
        finally
        {
            foreach (var connection in open)
                connection.Dispose();
        }
        return $"{answers}{(without > 0 ? $", **{without} without Retry-After**" : "")}";
    }

    /// <summary>Sends a byte a second on each of many connections; replaces those that are cut off.</summary>
    private static async Task<string> TrickleAsync(AbuseTarget target, CancellationToken over)
    {
        var (cut, token) = (0, AbuseTarget.Token());
        await Attack.OnThreads(
            1,
            _ =>
            {
                RawConnection Open(int number)
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
                }

                var open = Enumerable.Range(0, Heads + Bodies).Select(Open).ToList();
                while (!over.IsCancellationRequested)
                    for (var i = 0; i < open.Count; i++)
                    {
                        // Spread over the second, as many clients would be.
                        if (i % (open.Count / 100) == 0 && over.WaitHandle.WaitOne(10))
                            break;
                        try
                        {
                            if (!open[i].IsClosed)
                            {
                                open[i].Send(" "u8);
                                continue;
                            }
                        }
                        catch (SocketException) { }
                        open[i].Dispose();
                        open[i] = Open(i);
                        cut++;
                    }
                foreach (var connection in open)
                    connection.Dispose();
            }
        );
        return $"{Heads} heads and {Bodies} bodies at a time, {cut} cut off";
    }

    /// <summary>Opens streams as several users, because one may open few, and fills them by a publisher within its
    /// limits.</summary>
    private static async Task<string> StallAsync(AbuseTarget target, CancellationToken over)
    {
        var open = new List<RawConnection>();
        var admitted = 0;
        try
        {
            await Attack.OnThreads(
                1,
                _ =>
                {
                    for (var i = 0; i < Stalled; i++)
                    {
                        open.Add(new RawConnection(target.Next(), receiveBuffer: 4_096));
                        open[^1]
                            .SendHead(
                                "GET",
                                "/v1/events/stream?topic=flood.%3E",
                                AbuseTarget.Token($"stalled-{Guid.NewGuid():N}")
                            );
                        if (open[^1].ReadAnswer(withBody: false).Status == 200)
                            admitted++;
                    }
                }
            );
            var body = $"{{\"topic\":\"flood.stalled\",\"type\":\"n\",\"data\":\"{new string('x', 8_000)}\"}}";
            var published = await PublishAsync(target, 1, body, over, TimeSpan.FromMilliseconds(20));
            return $"{admitted} streams; published {published} of 8 kB";
        }
        finally
        {
            foreach (var connection in open)
                connection.Dispose();
        }
    }
}
