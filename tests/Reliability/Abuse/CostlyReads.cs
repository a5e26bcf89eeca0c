using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Reliability.Abuse;

/// <summary>Abuses by requests that are cheap to send and expensive to answer.</summary>
internal static partial class AbuseCatalog
{
    private const int PatternReaders = 240,
        LogEvents = 60_000,
        Pages = 300,
        SlowReaders = 1_000,
        FilterReaders = 2_000,
        BranchReaders = 100,
        BranchTokens = 32;
    private const int Users = 12;

    private static readonly List<RawConnection> OpenStreams = [];

    /// <summary>Reads history with patterns that match nothing in a long log, on many connections.</summary>
    private static Task<string> PatternsAsync(AbuseTarget target, CancellationToken over)
    {
        var query = string.Join('&', Enumerable.Range(0, 100).Select(n => $"topic=flood.*.none{n}.%3E"));
        var tokens = Tokens(Users);
        var number = 0;
        return AskAsync(
            target,
            PatternReaders,
            connection =>
                connection.Get($"/v1/events?{query}", tokens[(uint)Interlocked.Increment(ref number) % Users]),
            over
        );
    }

    /// <summary>Requests pages of megabytes and does not read them; repeats those that are cut off.</summary>
    private static async Task<string> PagesAsync(AbuseTarget target, CancellationToken over)
    {
        var (open, cut, tokens) = (new List<RawConnection>(), 0, Tokens(Users));
        RawConnection Ask(int number)
        {
            var connection = new RawConnection(target.Next(), receiveBuffer: 4_096);
            connection.SendHead("GET", "/v1/events?topic=flood.page&limit=1000", tokens[number % Users]);
            return connection;
        }

        try
        {
            await Attack.OnThreads(
                1,
                _ =>
                {
                    for (var i = 0; i < Pages; i++)
                        open.Add(Ask(i));
                    while (!over.WaitHandle.WaitOne(500))
                        for (var i = 0; i < Pages; i++)
                        {
                            if (!open[i].IsReset)
                                continue;
                            open[i].Dispose();
                            open[i] = Ask(i);
                            cut++;
                        }
                }
            );
        }
        finally
        {
            foreach (var connection in open)
                connection.Dispose();
        }
        return $"{Pages} at a time, {cut} cut off";
    }

    /// <summary>Publishes hundreds of megabytes in a few requests.</summary>
    private static async Task<string> LinesAsync(AbuseTarget target, CancellationToken over)
    {
        var line = $"{{\"topic\":\"flood.lines\",\"type\":\"n\",\"data\":\"{new string('x', 1_000_000)}\"}}\n";
        var chunk = Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{line.Length:X}\r\n{line}\r\n")
        );
        return $"{await BulksAsync(target, chunk, 500, over)} lines of 1 MB";
    }

    /// <summary>Sends bulks of equal chunks, one after the other, on four connections.</summary>
    /// <returns>The number of chunks that were sent.</returns>
    private static async Task<long> BulksAsync(AbuseTarget target, byte[] chunk, int chunks, CancellationToken over)
    {
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
                        connection.SendHead(
                            "POST",
                            "/v1/events",
                            AbuseTarget.Token(),
                            "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
                        );
                        for (var i = 0; i < chunks && !over.IsCancellationRequested; i++)
                        {
                            connection.Send(chunk);
                            Interlocked.Increment(ref sent);
                        }
                    }
                    catch (SocketException)
                    {
                        over.WaitHandle.WaitOne(500);
                    } // the server accepted nothing for a while
                }
            }
        );
        return sent;
    }

    /// <summary>Opens streams that resume at different positions of a log of large events, and does not read
    /// them.</summary>
    private static async Task<string> CatchUpAsync(AbuseTarget target, CancellationToken over)
    {
        var head = await HeadAsync(target);
        var (open, admitted) = (new List<RawConnection>(), 0);
        try
        {
            await Attack.OnThreads(
                1,
                _ =>
                {
                    for (var i = 0; i < SlowReaders && !over.IsCancellationRequested; i++)
                    {
                        open.Add(new RawConnection(target.Next(), receiveBuffer: 4_096));
                        var from = string.Create(
                            CultureInfo.InvariantCulture,
                            $"{head.Epoch}-{Math.Max(1, head.Position - 500 + i % 500)}"
                        );
                        open[^1]
                            .SendHead(
                                "GET",
                                "/v1/events/stream?topic=flood.slow",
                                AbuseTarget.Token($"slow-{i / 50}"),
                                $"Last-Event-ID: {from}\r\n"
                            );
                        if (open[^1].ReadAnswer(withBody: false).Status == 200)
                            admitted++;
                    }
                }
            );
            await Until(over);
        }
        finally
        {
            foreach (var connection in open)
                connection.Dispose();
        }
        return $"{admitted} streams";
    }

    /// <summary>Resumes streams of types that no event has from the beginning of a long log, about as often as twelve
    /// clients may (120 a minute each). Each stream searches the whole log.</summary>
    private static async Task<string> SearchesAsync(AbuseTarget target, CancellationToken over)
    {
        var (answers, (epoch, _), tokens) = (new Answers(), await HeadAsync(target), Tokens(Users));
        await Attack.OnThreads(
            4 * Users,
            number =>
            {
                for (var n = 0; !over.WaitHandle.WaitOne(500); n++)
                {
                    using var connection = new RawConnection(target.Next());
                    connection.SendHead(
                        "GET",
                        $"/v1/events/stream?topic=flood.%3E&type=none.{number}.{n}",
                        tokens[number % Users],
                        $"Last-Event-ID: {epoch}-1\r\n"
                    );
                    answers.Count(connection.ReadAnswer(withBody: false).Status);
                    over.WaitHandle.WaitOne(2_000); // the search goes on while the client is there
                }
            }
        );
        return answers.ToString();
    }

    /// <summary>Publishes to many streams, each of which gets every event.</summary>
    private static Task<string> BroadcastAsync(AbuseTarget target, CancellationToken over)
    {
        const string Event = "{\"topic\":\"flood.broadcast.a\",\"type\":\"n\",\"data\":1}";
        return ReportAsync(PublishAsync(target, 1, Event, over, TimeSpan.FromMilliseconds(20)));
    }

    private static async Task<string> ReportAsync(Task<string> publishing)
    {
        try
        {
            var published = await publishing;
            return $"{OpenStreams.Count} streams; published {published}";
        }
        finally
        {
            foreach (var connection in OpenStreams)
                connection.Dispose();
        }
    }

    /// <summary>Opens the streams of <see cref="BroadcastAsync"/> in advance, since that takes longer than the abuse.
    /// Their filter is the most common one: a user's own topics and one for all users.</summary>
    private static Task OpenFiltersAsync(AbuseTarget target) =>
        OpenAsync(target, FilterReaders, i => $"topic=flood.user.{i}.%3E&topic=flood.broadcast.%3E");

    /// <summary>Opens as many streams whose filter is the topic alone.</summary>
    private static Task OpenOneTopicAsync(AbuseTarget target) =>
        OpenAsync(target, FilterReaders, _ => "topic=flood.broadcast.a");

    /// <summary>Publishes events whose tokens match a name and a wildcard of each pattern, except the last
    /// one.</summary>
    private static Task<string> BranchesAsync(AbuseTarget target, CancellationToken over)
    {
        var topic = $"flood.{string.Concat(Enumerable.Repeat("a.", BranchTokens - 2))}b";
        return ReportAsync(PublishAsync(target, 1, Events(topic), over));
    }

    private static string Events(string topic) =>
        $"[{string.Join(',', Enumerable.Repeat($"{{\"topic\":\"{topic}\",\"type\":\"n\",\"data\":1}}", 50))}]";

    private static Task OpenBranchesAsync(AbuseTarget target)
    {
        var random = new Random(1);
        string Pattern(int _) =>
            "topic=flood."
            + string.Concat(Enumerable.Range(0, BranchTokens - 2).Select(_ => random.Next(2) == 0 ? "a." : "*."))
            + "never";
        return OpenAsync(target, BranchReaders, _ => string.Join('&', Enumerable.Range(0, 32).Select(Pattern)));
    }

    /// <summary>Publishes events that every pattern matches, and of a type that no stream wants.</summary>
    private static Task<string> MatchesAsync(AbuseTarget target, CancellationToken over) =>
        ReportAsync(PublishAsync(target, 1, Events("flood.a.a.a.a.a.a.a.a.a"), over));

    private static Task OpenMatchesAsync(AbuseTarget target)
    {
        static string Pattern(int n) =>
            "topic=flood." + string.Join('.', Enumerable.Range(0, 9).Select(bit => (n >> bit & 1) == 0 ? "a" : "*"));
        var patterns = string.Join('&', Enumerable.Range(0, 100).Select(Pattern));
        return OpenAsync(
            target,
            BranchReaders,
            i => patterns + string.Concat(Enumerable.Range(0, 100).Select(n => $"&type=never-{i}-{n}"))
        );
    }

    /// <summary>Opens streams as several users, ten each.</summary>
    private static Task OpenAsync(AbuseTarget target, int streams, Func<int, string> query) =>
        Attack.OnThreads(
            1,
            _ =>
            {
                for (var i = 0; i < streams; i++)
                {
                    var connection = new RawConnection(target.Next());
                    connection.SendHead("GET", $"/v1/events/stream?{query(i)}", AbuseTarget.Token($"filters-{i / 10}"));
                    if (connection.ReadAnswer(withBody: false).Status == 200)
                        OpenStreams.Add(connection);
                    else
                        connection.Dispose();
                }
            }
        );

    /// <summary>Fills sessions with messages, and then reads their history repeatedly.</summary>
    private static async Task<string> SessionsAsync(AbuseTarget target, int messageBytes, CancellationToken over)
    {
        var (sessions, number) = (await Sessions.FillAsync(target, Users, messageBytes), 0);
        return await AskAsync(
            target,
            32,
            connection =>
            {
                var (id, token) = sessions[(int)((uint)Interlocked.Increment(ref number) % Users)];
                return connection.Get($"/session/{id}", token);
            },
            over
        );
    }

    private static string[] Tokens(int users) =>
        [.. Enumerable.Range(0, users).Select(n => AbuseTarget.Token($"load-{n}"))];

    private static Task FillLogAsync(AbuseTarget target) => FillAsync(target, "flood.log", LogEvents, "1");

    /// <summary>Publishes this number of events as several users, each within its limits.</summary>
    private static async Task FillAsync(AbuseTarget target, string topic, int events, string data)
    {
        var each = (events + Users - 1) / Users;
        await Attack.OnThreads(
            Users,
            user =>
            {
                using var connection = new RawConnection(target.Next());
                var token = AbuseTarget.Token($"fill-{user}");
                var lines = string.Concat(
                    Enumerable.Repeat($"{{\"topic\":\"{topic}\",\"type\":\"n\",\"data\":{data}}}\n", each)
                );
                connection.Post("/v1/events", token, "application/x-ndjson", Encoding.ASCII.GetBytes(lines));
            }
        );
    }

    private static Task<(string Epoch, long Position)> HeadAsync(AbuseTarget target)
    {
        using var connection = new RawConnection(target.Next());
        var body = Encoding.ASCII.GetBytes("{\"topic\":\"flood.head\",\"type\":\"n\",\"data\":1}");
        var position = connection.PostForPosition("/v1/events", AbuseTarget.Token(), body);
        var dash = position.LastIndexOf('-');
        return Task.FromResult((position[..dash], long.Parse(position[(dash + 1)..], CultureInfo.InvariantCulture)));
    }
}
