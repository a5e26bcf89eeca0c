using System.Globalization;
using System.Net;
using System.Text;

namespace Reliability.Abuse;

/// <summary>Abuses by lists of what many clients have created, and by bodies that are refused.</summary>
internal static partial class AbuseCatalog
{
    private const int ListedTasks = 1_800,
        ManyStreams = 10_000,
        StreamsOfAUser = 10,
        Addresses = 10,
        ListedTopics = 1_000,
        RefusedBytes = 4_000_000;

    private static Task<string> ListTopicsAsync(AbuseTarget target, CancellationToken over) =>
        AskAsync(target, 32, connection => connection.Get("/v1/topics?limit=1000", AbuseTarget.Token()), over);

    /// <summary>Creates more tasks than a page has, as several users.</summary>
    private static Task CreateTasksAsync(AbuseTarget target) =>
        Attack.OnThreads(
            Users,
            user =>
            {
                using var connection = new RawConnection(target.Next());
                var token = TaskToken(user);
                for (var i = 0; i < ListedTasks / Users; i++)
                    connection.Post("/tasks", token, "application/json", "{\"title\":\"flood\"}"u8);
            }
        );

    /// <summary>Reads the list of all tasks and the list of a status, in pages of the maximum length.</summary>
    private static Task<string> ListTasksAsync(AbuseTarget target, CancellationToken over)
    {
        var (tokens, number) = (Enumerable.Range(0, Users).Select(TaskToken).ToArray(), 0u);
        return AskAsync(
            target,
            32,
            connection =>
            {
                var n = Interlocked.Increment(ref number);
                return connection.Get(
                    n % 2 == 0 ? "/tasks?limit=1000" : "/tasks?status=todo&limit=1000",
                    tokens[n % Users]
                );
            },
            over
        );
    }

    private static string TaskToken(int user) =>
        SystemSettings.User(string.Create(CultureInfo.InvariantCulture, $"tasks-{user}"), ["tasks.>"], ["tasks.>"]);

    /// <summary>Publishes events of many topics, and opens many streams with a topic each, as many users with several
    /// addresses.</summary>
    private static async Task OpenManyAsync(AbuseTarget target)
    {
        using (var connection = new RawConnection(target.Next()))
        {
            var lines = Enumerable
                .Range(0, ListedTopics)
                .Select(n => $"{{\"topic\":\"flood.open.t{n}\",\"type\":\"n\",\"data\":1}}\n");
            connection.Post(
                "/v1/events",
                AbuseTarget.Token(),
                "application/x-ndjson",
                Encoding.ASCII.GetBytes(string.Concat(lines))
            );
        }
        await Attack.OnThreads(
            Addresses,
            number =>
            {
                var address = IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"127.0.1.{number + 1}"));
                for (var i = number; i < ManyStreams; i += Addresses)
                {
                    var connection = new RawConnection(target.Next(), from: address);
                    var token = AbuseTarget.Token(
                        string.Create(CultureInfo.InvariantCulture, $"open-{i / StreamsOfAUser}")
                    );
                    connection.SendHead("GET", $"/v1/events/stream?topic=flood.open.t{i}", token);
                    if (connection.ReadAnswer(withBody: false).Status != 200)
                        connection.Dispose();
                    else
                        lock (OpenStreams)
                            OpenStreams.Add(connection);
                }
            }
        );
    }

    /// <summary>Reads the lists that count or show the open streams: as a user, and as an operator.</summary>
    private static async Task<string> ListConnectionsAsync(AbuseTarget target, CancellationToken over)
    {
        var number = 0u;
        var asked = await AskAsync(
            target,
            32,
            connection =>
                Interlocked.Increment(ref number) % 2 == 0
                    ? connection.Get("/v1/topics?limit=1000", AbuseTarget.Token())
                    : connection.Get("/v1/connections?limit=1000", SystemSettings.Operator),
            over
        );
        return $"{OpenStreams.Count} streams; {asked}";
    }

    /// <summary>Sends bodies of the maximum length that are no events, to be counted or published.</summary>
    private static Task<string> RefusedAsync(AbuseTarget target, CancellationToken over)
    {
        var body = Encoding.ASCII.GetBytes($"[{string.Join(',', Enumerable.Repeat('0', RefusedBytes / 2))}]");
        var tokens = Enumerable
            .Range(0, Users)
            .Select(user =>
                SystemSettings.User(
                    string.Create(CultureInfo.InvariantCulture, $"refused-{user}"),
                    ["flood.>"],
                    ["flood.>", "chat"]
                )
            )
            .ToArray();
        var number = 0u;
        return AskAsync(
            target,
            2 * Users,
            connection =>
            {
                var n = Interlocked.Increment(ref number);
                return connection
                    .Post(
                        n / Users % 2 == 0 ? "/v1/events" : "/v1/messages/count_tokens",
                        tokens[n % Users],
                        "application/json",
                        body
                    )
                    .Status;
            },
            over
        );
    }
}
