using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Reliability.Abuse;

/// <summary>Abuses by requests, one after the other on each of many threads.</summary>
internal static class AbusiveRequests
{
    /// <summary>Sends requests, whatever the answers; at full speed by default.</summary>
    /// <param name="threads">Threads, each with a connection.</param>
    /// <param name="ask">Sends a request, by its number over all threads, and returns the answer's status.</param>
    /// <param name="pause">The pause before each request of a thread.</param>
    public static Func<AbuseTarget, CancellationToken, Task<string>> Each(
        int threads,
        Func<RawConnection, uint, int> ask,
        TimeSpan pause = default
    ) =>
        async (target, over) =>
        {
            var answers = new AnswerCounts();
            var number = 0u;
            await Attack.OnThreads(
                threads,
                _ =>
                {
                    RawConnection? connection = null;
                    while (!over.IsCancellationRequested)
                    {
                        if (pause > TimeSpan.Zero)
                            over.WaitHandle.WaitOne(pause);
                        try
                        {
                            connection ??= new RawConnection(target.Next());
                            answers.Count(ask(connection, Interlocked.Increment(ref number)));
                        }
                        catch (SocketException)
                        {
                            // The server refused before it had read the body, and closed the connection.
                            connection?.Dispose();
                            connection = null;
                            answers.Count(0);
                        }
                    }

                    connection?.Dispose();
                }
            );

            return answers.ToString();
        };

    /// <summary>Opens streams and closes them after a while.</summary>
    /// <param name="threads">Threads, each with one stream at a time.</param>
    /// <param name="pause">The pause before each stream of a thread.</param>
    /// <param name="stay">The time until a stream is closed.</param>
    /// <param name="tokens">The users, in turn by thread.</param>
    /// <param name="stream">Returns the path and the last id of a stream, by its number over all threads.</param>
    public static Func<AbuseTarget, CancellationToken, Task<string>> Visits(
        int threads,
        TimeSpan pause,
        TimeSpan stay,
        string[] tokens,
        Func<uint, (string Path, string LastId)> stream
    ) =>
        async (target, over) =>
        {
            var answers = new AnswerCounts();
            var number = 0u;
            await Attack.OnThreads(
                threads,
                thread =>
                {
                    while (!over.WaitHandle.WaitOne(pause))
                    {
                        var (path, lastId) = stream(Interlocked.Increment(ref number));
                        using var connection = new RawConnection(target.Next());
                        connection.SendHead(
                            "GET",
                            path,
                            tokens[thread % tokens.Length],
                            $"Last-Event-ID: {lastId}\r\n"
                        );
                        answers.Count(connection.ReadAnswer(withBody: false).Status);
                        over.WaitHandle.WaitOne(stay);
                    }
                }
            );

            return answers.ToString();
        };

    /// <summary>Sends bulks of equal chunks on four connections.</summary>
    public static Func<AbuseTarget, CancellationToken, Task<string>> Bulks(string chunk, int chunks) =>
        async (target, over) =>
        {
            const string Headers = "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n";
            var bytes = Encoding.ASCII.GetBytes(chunk);
            var sent = 0L;

            await Attack.OnThreads(
                4,
                _ =>
                {
                    while (!over.IsCancellationRequested)
                    {
                        using var connection = new RawConnection(target.Next());

                        try
                        {
                            connection.SendHead("POST", "/v1/events", AbuseTarget.Token(), Headers);
                            for (var i = 0; i < chunks && !over.IsCancellationRequested; i++)
                            {
                                connection.Send(bytes);
                                Interlocked.Increment(ref sent);
                            }
                        }
                        catch (SocketException)
                        {
                            over.WaitHandle.WaitOne(500); // the server accepted nothing for a while
                        }
                    }
                }
            );

            return $"{sent} chunks, {sent * bytes.Length / 1_000_000} MB";
        };

    /// <summary>Waits until the end of the abuse, which is what it holds open.</summary>
    public static async Task<string> WaitAsync(AbuseTarget target, CancellationToken over)
    {
        await Task.Delay(Timeout.Infinite, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return "";
    }
}

/// <summary>Counts answers by status.</summary>
internal sealed class AnswerCounts
{
    private readonly ConcurrentDictionary<string, int> _counts = new();

    public IEnumerable<KeyValuePair<string, int>> All => _counts;

    /// <param name="status">The status; 0: no answer.</param>
    public void Count(int status) => Count(status == 0 ? "closed" : status.ToString(CultureInfo.InvariantCulture));

    public void Count(string answer) => _counts.AddOrUpdate(answer, 1, (_, count) => count + 1);

    public override string ToString() =>
        string.Join(
            ", ",
            _counts
                .OrderByDescending(c => c.Key == "closed")
                .ThenBy(c => c.Key, StringComparer.Ordinal)
                .Select(c => $"{c.Key} × {c.Value}")
        );
}
