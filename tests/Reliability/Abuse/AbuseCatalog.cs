using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Reliability.Abuse;

/// <summary>All abuses on one page.</summary>
internal static partial class AbuseCatalog
{
    private const int Connections = 10_000,
        Heads = 1_000,
        Bodies = 500,
        Stalled = 100,
        Topics = 1_000_000,
        TopicsARequest = 10_000;

    private const string BareProgram =
            "10,000 connections at once to a program beside the system that only accepts and answers",
        OneTopic = "streams with one topic, as many and as busy as in the next row",
        ShortSessions = "sessions of short messages, filled and read as those of the next row";

    public static IReadOnlyList<AbuseCase> All { get; } = [.. Floods, .. Reads, .. Streams, .. Lists];

    /// <summary>Connections, heads and publishes.</summary>
    private static IEnumerable<AbuseCase> Floods =>
        [
            new("10,000 connections from one client", (target, over) => ConnectAsync(target, 1_000, over))
            {
                IsRehearsed = true,
            },
            new(BareProgram, (target, over) => ConnectAsync(target, Connections, over))
            {
                IsControl = true,
                IsBeside = true,
            },
            new("10,000 connections at once from one client", (target, over) => ConnectAsync(target, Connections, over))
            {
                IsRehearsed = true,
                Limit = new ControlLimit(BareProgram, Margin: 1.5, Most: 3),
            },
            new("heads and bodies that never end (slow-loris)", TrickleAsync),
            new("readers that never read", StallAsync),
            new(
                "a publisher at full speed",
                (target, over) => PublishAsync(target, 8, "{\"topic\":\"flood.small\",\"type\":\"n\",\"data\":1}", over)
            ),
            new(
                "events of 1 MB",
                (target, over) =>
                    PublishAsync(
                        target,
                        4,
                        $"{{\"topic\":\"flood.large\",\"type\":\"n\",\"data\":\"{new string('x', 1_000_000)}\"}}",
                        over
                    )
            ),
            new("a million topics", TopicsAsync),
            new("NDJSON with lines of 1 MB", LinesAsync) { IsRehearsed = true },
            new("bodies of 4 MB that are refused, at full speed", RefusedAsync) { IsRehearsed = true },
            new("preflights and requests of other sites at full speed", PreflightsAsync) { IsRehearsed = true },
            new("bodies of 25,000 members that ask for streams, at full speed", StreamBodiesAsync)
            {
                IsRehearsed = true,
            },
            new("a bulk of chunks with long extensions", ChunkExtensionsAsync) { IsRehearsed = true },
            new("orders at full speed", OrdersAsync) { IsRehearsed = true },
            new("sources at full speed", SourcesAsync) { IsRehearsed = true },
            new(
                "tokens with a wrong signature at full speed",
                (target, over) => ReadAsync(target, 32, $"{AbuseTarget.Token()[..^4]}AAAA", over)
            ),
        ];

    /// <summary>Reads of a long log, and of sessions.</summary>
    private static IEnumerable<AbuseCase> Reads =>
        [
            new("240 reads of history with 100 patterns each over a log of 60,000 events", PatternsAsync, FillLogAsync)
            {
                IsRehearsed = true,
            },
            new("streams that search a log of 60,000 events for types that never occur", SearchesAsync, FillLogAsync)
            {
                IsRehearsed = true,
            },
            new(
                "300 clients that ask for a page and never read it",
                PagesAsync,
                target => FillAsync(target, "flood.page", 40, $"\"{new string('x', 100_000)}\"")
            )
            {
                IsRehearsed = true,
            },
            new(ShortSessions, (target, over) => SessionsAsync(target, Sessions.ShortMessage, over))
            {
                IsControl = true,
                IsRehearsed = true,
            },
            new(
                "sessions of 2 MB, filled and read at full speed",
                (target, over) => SessionsAsync(target, Sessions.LongMessage, over)
            )
            {
                IsRehearsed = true,
            },
        ];

    /// <summary>Streams, and events for many of them.</summary>
    private static IEnumerable<AbuseCase> Streams =>
        [
            new(
                "1,000 slow readers in catch-up, each at another position",
                CatchUpAsync,
                target => FillAsync(target, "flood.slow", 500, $"\"{new string('x', 10_000)}\"")
            ),
            new(OneTopic, BroadcastAsync, OpenOneTopicAsync) { IsControl = true },
            new("streams with the filters user.N.> and broadcast.>", BroadcastAsync, OpenFiltersAsync)
            {
                Limit = new ControlLimit(OneTopic, Margin: 1.2, Most: double.PositiveInfinity),
            },
            new("100 streams of 32 patterns that branch at each token", BranchesAsync, OpenBranchesAsync),
            new(
                "100 streams of 100 patterns that all match, and of 100 types that never occur",
                MatchesAsync,
                OpenMatchesAsync
            ),
        ];

    /// <summary>Lists, and at last what needs another system.</summary>
    private static IEnumerable<AbuseCase> Lists =>
        [
            new("lists of topics at full speed", ListTopicsAsync) { IsRehearsed = true },
            new("lists of tasks at full speed", ListTasksAsync, CreateTasksAsync) { IsRehearsed = true },
            new(
                "lists of topics and of connections at full speed, with 10,000 open streams",
                ListConnectionsAsync,
                OpenManyAsync
            )
            {
                IsRehearsed = true,
            },
            new(
                "240 reads with 100 patterns, as above, in Development, as the README starts it",
                PatternsAsync,
                FillLogAsync
            )
            {
                IsRehearsed = true,
                InDevelopment = true,
            },
        ];

    private static Task<string> PublishAsync(
        AbuseTarget target,
        int threads,
        string body,
        CancellationToken over,
        TimeSpan pause = default
    )
    {
        var (token, bytes) = (AbuseTarget.Token(), Encoding.UTF8.GetBytes(body));
        return AskAsync(
            target,
            threads,
            connection => connection.Post("/v1/events", token, "application/json", bytes).Status,
            over,
            pause
        );
    }

    private static Task<string> ReadAsync(AbuseTarget target, int threads, string token, CancellationToken over) =>
        AskAsync(
            target,
            threads,
            connection =>
            {
                connection.SendHead("GET", "/v1/events?limit=1", token);
                return connection.ReadAnswer(withBody: true).Status;
            },
            over
        );

    /// <summary>Sends one request after the other on each thread, whatever the answer; at full speed by
    /// default.</summary>
    private static async Task<string> AskAsync(
        AbuseTarget target,
        int threads,
        Func<RawConnection, int> ask,
        CancellationToken over,
        TimeSpan pause = default
    )
    {
        var answers = new Answers();
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
                        answers.Count(ask(connection ??= new RawConnection(target.Next())));
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
    }

    /// <summary>Publishes as many events as are accepted, in bulk on both replicas, each on its own topic.</summary>
    private static async Task<string> TopicsAsync(AbuseTarget target, CancellationToken over)
    {
        var (answers, token, sent) = (new Answers(), AbuseTarget.Token(), 0);
        await Attack.OnThreads(
            target.Replicas.Count,
            number =>
            {
                using var connection = new RawConnection(target.Replicas[number]);
                for (
                    int from;
                    !over.IsCancellationRequested
                        && (from = Interlocked.Add(ref sent, TopicsARequest) - TopicsARequest) < Topics;

                )
                {
                    var lines = string.Concat(
                        Enumerable
                            .Range(from, TopicsARequest)
                            .Select(n =>
                                string.Create(
                                    CultureInfo.InvariantCulture,
                                    $"{{\"topic\":\"flood.many.t{n}\",\"type\":\"n\",\"data\":1}}\n"
                                )
                            )
                    );
                    answers.Count(
                        connection
                            .Post("/v1/events", token, "application/x-ndjson", Encoding.ASCII.GetBytes(lines))
                            .Status
                    );
                }
            }
        );
        await Until(over);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Math.Min(sent, Topics)} so far, {TopicsARequest} a request: {answers}"
        );
    }

    private static Task Until(CancellationToken over) =>
        Task.Delay(Timeout.Infinite, over)
            .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    /// <summary>Counts the answers by status; 0: no answer.</summary>
    private sealed class Answers
    {
        private readonly ConcurrentDictionary<int, int> _counts = new();

        public void Count(int status) => _counts.AddOrUpdate(status, 1, (_, n) => n + 1);

        public override string ToString() =>
            string.Join(
                ", ",
                _counts
                    .OrderBy(c => c.Key)
                    .Select(c =>
                        string.Create(CultureInfo.InvariantCulture, $"{(c.Key == 0 ? "closed" : c.Key)} × {c.Value}")
                    )
            );
    }
}
