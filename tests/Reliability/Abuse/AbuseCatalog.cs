using System.Net;
using static Reliability.Abuse.AbuseRequests;
using static Reliability.Abuse.AbuseTarget;

namespace Reliability.Abuse;

/// <summary>All abuses: each a row of data over one of the drivers.</summary>
internal static class AbuseCatalog
{
    private const int SlowEvents = 500;

    private static readonly TimeSpan FiftyASecond = TimeSpan.FromMilliseconds(20);

    private static readonly string Load = Token();
    private static readonly string Members = string.Join(',', Enumerable.Range(0, 25_000).Select(n => $"\"{n:x}\":1"));

    private static readonly string[] TaskTokens = Tokens("tasks", ["tasks.>"], ["tasks.>"]);

    private static readonly string PatternsThatMatchNothing =
        $"{Events}?{string.Join('&', Enumerable.Range(0, 100).Select(n => $"topic=flood.*.none{n}.%3E"))}";

    public static IReadOnlyList<AbuseCase> All { get; } = [.. Floods, .. Bodies, .. Reads, .. Broadcasts, .. Lists];

    /// <summary>Connections, heads and publishes.</summary>
    private static IEnumerable<AbuseCase> Floods =>
        [
            Rehearsed("10,000 connections from one client", HeldConnections.Connect(underWay: 1_000)),
            Rehearsed("10,000 connections at once from one client", HeldConnections.Connect(underWay: 10_000)),
            new("heads and bodies that never end (slow-loris)", HeldConnections.TrickleAsync),
            new(
                "readers that never read",
                async (target, over) =>
                {
                    // As several users, because one may open few.
                    await HeldStreams.OpenAsync(
                        target,
                        100,
                        n => new("topic=flood.%3E", Token($"stalled-{n}-{Environment.ProcessId}")) { IsSlow = true },
                        over: over
                    );
                    return await HeldStreams.Under(
                        AbusiveRequests.Each(1, Publish("flood.stalled", 8_000), FiftyASecond)
                    )(target, over);
                }
            ),
            new("a publisher at full speed", AbusiveRequests.Each(8, Publish("flood.small", 0))),
            new("events of 1 MB", AbusiveRequests.Each(4, Publish("flood.large", 1_000_000))),
            new(
                "a million topics",
                AbusiveRequests.Each(
                    2,
                    (to, n) => to.PostLines(Events, Load, 10_000, i => $"flood.many.t{n % 100}.{i}")
                )
            ),
            Rehearsed(
                "NDJSON with lines of 1 MB",
                AbusiveRequests.Bulks(Chunk($"{Event("flood.lines", 1_000_000)}\n"), chunks: 500)
            ),
        ];

    /// <summary>Requests that cost something before their endpoint is reached, or after they are answered.</summary>
    private static IEnumerable<AbuseCase> Bodies =>
        [
            Rehearsed(
                "bodies of 4 MB that are refused, at full speed",
                AbusiveRequests.Each(
                    2 * Users,
                    Post(
                        n => n / Users % 2 == 0 ? Events : "/v1/messages/count_tokens",
                        Tokens("refused", ["flood.>"], ["flood.>", "chat"]),
                        $"[{string.Join(',', Enumerable.Repeat('0', 2_000_000))}]"
                    )
                )
            ),
            Rehearsed(
                "preflights and requests of other sites at full speed",
                AbusiveRequests.Each(
                    32,
                    (to, n) =>
                        n % 2 == 0
                            ? to.Ask(
                                "OPTIONS",
                                Events,
                                Load,
                                "Origin: https://elsewhere.example\r\nAccess-Control-Request-Method: POST\r\n"
                            )
                            : to.Ask("POST", Events, Load, "Sec-Fetch-Site: cross-site\r\n")
                )
            ),
            Rehearsed(
                "bodies of 25,000 members that ask for streams, at full speed",
                // With an error, so that no stream opens.
                AbusiveRequests.Each(
                    64,
                    Post(_ => "/v1/events/stream?topic=flood.a", Tokens("load"), $"{{\"from\":\"nowhere\",{Members}}}")
                )
            ),
            Rehearsed(
                "a bulk of chunks with long extensions",
                // RFC 9112 §7.1.1: the chunks are almost empty.
                AbusiveRequests.Bulks($"4;{new string('x', 64 * 1024)}\r\n\n\n\n\n\r\n", chunks: int.MaxValue)
            ),
            Rehearsed(
                "orders at full speed",
                AbusiveRequests.Each(
                    32,
                    Post(
                        _ => "/v1/orders",
                        Tokens("orders", ["petstore.>"], ["petstore.>"]),
                        "{\"petId\":\"019b4132\"}"
                    )
                )
            ),
            Rehearsed(
                "sources at full speed",
                // Each stream has a source of its own, by a last id that is made up.
                AbusiveRequests.Visits(
                    Users,
                    TimeSpan.FromMilliseconds(20),
                    stay: TimeSpan.Zero,
                    Tokens("sources", ["sse.resilient.>"], ["sse.resilient.>"]),
                    n => ($"/sse/resilient/flood-{n}", "1")
                )
            ),
            new(
                "tokens with a wrong signature at full speed",
                AbusiveRequests.Each(32, Get(_ => $"{Events}?limit=1", [$"{Load[..^4]}AAAA"]))
            ),
        ];

    /// <summary>Reads of a long log, and of sessions.</summary>
    private static IEnumerable<AbuseCase> Reads =>
        [
            Rehearsed(
                "240 reads of history with 100 patterns each over a log of 60,000 events",
                AbusiveRequests.Each(240, Get(_ => PatternsThatMatchNothing, Tokens("load"))),
                FillLogAsync
            ),
            Rehearsed(
                "streams that search a log of 60,000 events for types that never occur",
                async (target, over) =>
                {
                    var epoch = Head(target).Epoch;
                    // About as often as twelve clients may (120 a minute each); each searches while it stays.
                    return await AbusiveRequests.Visits(
                        4 * Users,
                        TimeSpan.FromMilliseconds(500),
                        stay: TimeSpan.FromSeconds(2),
                        Tokens("load"),
                        n => ($"/v1/events/stream?topic=flood.%3E&type=none.{n}", $"{epoch}-1")
                    )(target, over);
                },
                FillLogAsync
            ),
            Rehearsed(
                "300 clients that ask for a page and never read it",
                HeldConnections.AskForPages($"{Events}?topic=flood.page&limit=1000", Tokens("load")),
                target => FillAsync(target, "flood.page", 40, 100_000)
            ),
            Rehearsed("sessions of short messages, filled and read at full speed", ReadSessions(messageBytes: 100)),
            // Nearly as long as the limits allow.
            Rehearsed("sessions of 2 MB, filled and read at full speed", ReadSessions(messageBytes: 250_000)),
            new(
                "1,000 slow readers in catch-up, each at another position",
                async (target, over) =>
                {
                    var (epoch, position) = Head(target);
                    await HeldStreams.OpenAsync(
                        target,
                        1_000,
                        n =>
                            new("topic=flood.slow", Token($"slow-{n / 50}"))
                            {
                                IsSlow = true,
                                LastId = $"{epoch}-{Math.Max(1, position - SlowEvents + n % SlowEvents)}",
                            },
                        over: over
                    );

                    return await HeldStreams.Under(AbusiveRequests.WaitAsync)(target, over);
                },
                target => FillAsync(target, "flood.slow", SlowEvents, 10_000)
            ),
        ];

    /// <summary>Events for many streams, which are open before, since that takes longer than the abuse.</summary>
    private static IEnumerable<AbuseCase> Broadcasts =>
        [
            new(
                "streams with the filters user.N.> and broadcast.>",
                Broadcast,
                target => OpenFiltersAsync(target, 2_000, n => $"topic=flood.user.{n}.%3E&topic=flood.broadcast.%3E")
            ),
            new(
                "100 streams of 32 patterns that branch at each token",
                // The tokens match a name and a wildcard of each pattern, except the last one.
                HeldStreams.Under(AbusiveRequests.Each(1, PublishMany($"flood.{string.Concat(Repeat("a.", 30))}b"))),
                target =>
                {
                    var random = new Random(1);

                    string Pattern() => string.Concat(Repeat("", 30).Select(_ => random.Next(2) == 0 ? "a." : "*."));

                    return OpenFiltersAsync(
                        target,
                        100,
                        _ => string.Join('&', Repeat("", 32).Select(_ => $"topic=flood.{Pattern()}never"))
                    );
                }
            ),
            new(
                "100 streams of 100 patterns that all match, and of 100 types that never occur",
                HeldStreams.Under(AbusiveRequests.Each(1, PublishMany("flood.a.a.a.a.a.a.a.a.a"))),
                target =>
                {
                    static string Pattern(int number) =>
                        string.Join('.', Enumerable.Range(0, 9).Select(bit => (number >> bit & 1) == 0 ? "a" : "*"));

                    string Filter(int stream) =>
                        string.Join(
                            '&',
                            Enumerable.Range(0, 100).Select(n => $"topic=flood.{Pattern(n)}&type=never-{stream}-{n}")
                        );

                    return OpenFiltersAsync(target, 100, Filter);
                }
            ),
        ];

    /// <summary>Lists of what many clients have created, and at last what needs another system.</summary>
    private static IEnumerable<AbuseCase> Lists =>
        [
            Rehearsed(
                "lists of topics at full speed",
                AbusiveRequests.Each(32, Get(_ => "/v1/topics?limit=1000", [Load]))
            ),
            Rehearsed(
                "lists of tasks at full speed",
                AbusiveRequests.Each(
                    32,
                    Get(n => $"/tasks?limit=1000{(n % 2 == 0 ? "" : "&status=todo")}", TaskTokens)
                ),
                // More tasks than a page has.
                target =>
                    target.OnConnections(
                        Users,
                        (to, user) =>
                        {
                            for (var i = 0; i < 150; i++)
                                to.Post("/tasks", TaskTokens[user], "{\"title\":\"flood\"}"u8);
                        }
                    )
            ),
            Rehearsed(
                "lists of topics and of connections at full speed, with 10,000 open streams",
                HeldStreams.Under(
                    AbusiveRequests.Each(
                        32,
                        Get(
                            n => n % 2 == 0 ? "/v1/topics?limit=1000" : "/v1/connections?limit=1000",
                            [Load, SystemSettings.Operator]
                        )
                    ),
                    keepsOpen: true
                ),
                async target =>
                {
                    await target.OnConnections(
                        1,
                        (to, _) => to.PostLines(Events, Load, 1_000, n => $"flood.open.t{n}")
                    );
                    // As many users, from several addresses.
                    await HeldStreams.OpenAsync(
                        target,
                        10_000,
                        n =>
                            new($"topic=flood.open.t{n}", Token($"open-{n / 10}"))
                            {
                                From = IPAddress.Parse($"127.0.1.{n % 10 + 1}"),
                            },
                        threads: 10
                    );
                }
            ),
            Rehearsed(
                "240 reads with 100 patterns, as above, in Development, as the README starts it",
                AbusiveRequests.Each(240, Get(_ => PatternsThatMatchNothing, Tokens("load"))),
                FillLogAsync
            ) with
            {
                InDevelopment = true,
            },
        ];

    private static Func<AbuseTarget, CancellationToken, Task<string>> Broadcast =>
        HeldStreams.Under(AbusiveRequests.Each(1, Publish("flood.broadcast.a", 0), FiftyASecond));

    /// <summary>An abuse that also runs before anything is measured.</summary>
    private static AbuseCase Rehearsed(
        string name,
        Func<AbuseTarget, CancellationToken, Task<string>> load,
        Func<AbuseTarget, Task>? prepare = null
    ) => new(name, load, prepare) { IsRehearsed = true };
}
