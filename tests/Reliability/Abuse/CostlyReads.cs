using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Reliability.Abuse;

/// <summary>Requests that are few and cheap to send, and would be dear to answer.</summary>
internal static partial class AbuseCatalog
{
    private const int PatternReaders = 240,
        LogEvents = 60_000,
        Pages = 300,
        SlowReaders = 1_000,
        FilterReaders = 2_000;
    private const int Users = 12;

    private static readonly List<RawConnection> FilterStreams = [];

    /// <summary>Request after request, on as many connections, whose patterns match nothing of a long log.</summary>
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

    /// <summary>Pages of megabytes, none of which is read; again where one is cut off.</summary>
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

    /// <summary>Hundreds of megabytes in a few requests.</summary>
    private static Task<string> LinesAsync(AbuseTarget target, CancellationToken over)
    {
        var line = Encoding.ASCII.GetBytes(
            $"{{\"topic\":\"flood.lines\",\"type\":\"n\",\"data\":\"{new string('x', 1_000_000)}\"}}\n"
        );
        var token = AbuseTarget.Token();
        var sent = 0;
        return Attack
            .OnThreads(
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
                                token,
                                "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
                            );
                            for (var i = 0; i < 500 && !over.IsCancellationRequested; i++)
                            {
                                connection.Send(
                                    Encoding.ASCII.GetBytes(
                                        string.Create(CultureInfo.InvariantCulture, $"{line.Length:X}\r\n")
                                    )
                                );
                                connection.Send(line);
                                connection.Send("\r\n"u8);
                                Interlocked.Increment(ref sent);
                            }
                        }
                        catch (SocketException)
                        {
                            over.WaitHandle.WaitOne(500);
                        } // paced: nothing was taken for a while
                    }
                }
            )
            .ContinueWith(_ => $"{sent} lines of 1 MB", TaskScheduler.Default);
    }

    /// <summary>Each begins elsewhere in a log of large events, and takes nothing of it.</summary>
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

    /// <summary>The most common filters, each user's own topics and one for everybody; a publisher speaks to
    /// everybody.</summary>
    private static async Task<string> FiltersAsync(AbuseTarget target, CancellationToken over)
    {
        const string Event = "{\"topic\":\"flood.broadcast.a\",\"type\":\"n\",\"data\":1}";
        try
        {
            var published = await PublishAsync(target, 1, Event, over, TimeSpan.FromMilliseconds(20));
            return $"{FilterStreams.Count} streams; published {published}";
        }
        finally
        {
            foreach (var connection in FilterStreams)
                connection.Dispose();
        }
    }

    /// <summary>Opens the streams of <see cref="FiltersAsync"/>: they take longer than the row lasts.</summary>
    private static Task OpenFiltersAsync(AbuseTarget target) =>
        Attack.OnThreads(
            1,
            _ =>
            {
                for (var i = 0; i < FilterReaders; i++)
                {
                    var connection = new RawConnection(target.Next());
                    connection.SendHead(
                        "GET",
                        $"/v1/events/stream?topic=flood.user.{i}.%3E&topic=flood.broadcast.%3E",
                        AbuseTarget.Token($"filters-{i / 10}")
                    );
                    if (connection.ReadAnswer(withBody: false).Status == 200)
                        FilterStreams.Add(connection);
                    else
                        connection.Dispose();
                }
            }
        );

    /// <summary>Sessions with messages as long as one may be, and then their whole history again and again.</summary>
    private static async Task<string> SessionsAsync(AbuseTarget target, CancellationToken over)
    {
        var (sessions, number) = (await Sessions.FillAsync(target, Users), 0);
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
        [.. Enumerable.Range(0, users).Select(n => AbuseTarget.Token($"abuser-{n}"))];

    /// <summary>Publishes so many events, as several users, each within its limits.</summary>
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
