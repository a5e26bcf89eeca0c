using System.Globalization;
using System.Text;
using static Reliability.Abuse.AbuseTarget;

namespace Reliability.Abuse;

/// <summary>The requests and the preparations of which abuses consist.</summary>
internal static class AbuseRequests
{
    public const int Users = 12;
    public const string Events = "/v1/events";

    /// <summary>Returns the tokens of several users.</summary>
    public static string[] Tokens(string user, string[]? subscribe = null, string[]? publish = null) =>
        [
            .. Enumerable
                .Range(0, Users)
                .Select(n => SystemSettings.User($"{user}-{n}", subscribe ?? ["flood.>"], publish ?? ["flood.>"])),
        ];

    public static IEnumerable<string> Repeat(string text, int times) => Enumerable.Repeat(text, times);

    /// <summary>Returns an event with data of a number of bytes; 0: a number.</summary>
    public static string Event(string topic, int bytes) =>
        $"{{\"topic\":\"{topic}\",\"type\":\"n\",\"data\":{(bytes == 0 ? "1" : $"\"{new string('x', bytes)}\"")}}}";

    public static string Chunk(string text) => $"{text.Length:X}\r\n{text}\r\n";

    public static Func<RawConnection, uint, int> Publish(string topic, int bytes) =>
        Post(_ => Events, [Token()], Event(topic, bytes));

    /// <summary>Publishes fifty small events in a request.</summary>
    public static Func<RawConnection, uint, int> PublishMany(string topic) =>
        Post(_ => Events, [Token()], $"[{string.Join(',', Repeat(Event(topic, 0), 50))}]");

    public static Func<RawConnection, uint, int> Post(Func<uint, string> path, string[] tokens, string body)
    {
        var bytes = Encoding.ASCII.GetBytes(body);
        return (to, n) => to.Post(path(n), tokens[n % tokens.Length], bytes);
    }

    public static Func<RawConnection, uint, int> Get(Func<uint, string> path, string[] tokens) =>
        (to, n) => to.Ask("GET", path(n), tokens[n % tokens.Length]);

    /// <summary>Opens streams as several users, ten each.</summary>
    public static Task OpenFiltersAsync(AbuseTarget target, int streams, Func<int, string> query) =>
        HeldStreams.OpenAsync(target, streams, n => new(query(n), Token($"filters-{n / 10}")));

    public static Task FillLogAsync(AbuseTarget target) => FillAsync(target, "flood.log", 60_000, 0);

    /// <summary>Publishes this number of events as several users, each within its limits.</summary>
    public static Task FillAsync(AbuseTarget target, string topic, int events, int bytes)
    {
        var line = $"{Event(topic, bytes)}\n";
        var lines = Encoding.ASCII.GetBytes(string.Concat(Repeat(line, (events + Users - 1) / Users)));
        return target.OnConnections(
            Users,
            (to, user) => to.Post(Events, Token($"fill-{user}"), lines, "application/x-ndjson")
        );
    }

    /// <summary>Fills conversations of an agent with messages, one for each user, and reads their history
    /// repeatedly.</summary>
    public static Func<AbuseTarget, CancellationToken, Task<string>> ReadSessions(int messageBytes) =>
        async (target, over) =>
        {
            var tokens = Tokens("sessions", ["sessions.>", "agents.>"], ["sessions.>", "agents.>"]);
            var message = Encoding.ASCII.GetBytes($"{{\"content\":\"{new string('x', messageBytes)}\"}}");
            var sessions = new string[Users];

            await target.OnConnections(
                Users,
                (to, user) =>
                {
                    sessions[user] = to.PostFor("session_id", "/session", tokens[user], "{}"u8);
                    using var sending = new RawConnection(target.Next());
                    for (var i = 0; i < 8; i++)
                        sending.Post($"/message/{sessions[user]}", tokens[user], message);
                }
            );

            return await AbusiveRequests.Each(32, Get(n => $"/session/{sessions[n % Users]}", tokens))(target, over);
        };

    /// <summary>Publishes an event, and returns its id.</summary>
    public static (string Epoch, long Position) Head(AbuseTarget target)
    {
        using var connection = new RawConnection(target.Next());
        var id = connection.PostFor("position", Events, Token(), Encoding.ASCII.GetBytes(Event("flood.head", 0)));
        var dash = id.LastIndexOf('-');
        return (id[..dash], long.Parse(id[(dash + 1)..], CultureInfo.InvariantCulture));
    }
}
