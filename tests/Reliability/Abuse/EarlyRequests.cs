using System.Globalization;
using System.Text;

namespace Reliability.Abuse;

/// <summary>Abuses by requests that cost something before their endpoint is reached, or after they are
/// answered.</summary>
internal static partial class AbuseCatalog
{
    private const int Members = 25_000,
        ExtensionBytes = 64 * 1024;

    /// <summary>Sends requests that are answered without a credential: preflights, and changes that a page of another
    /// site sends.</summary>
    private static Task<string> PreflightsAsync(AbuseTarget target, CancellationToken over)
    {
        var (token, number) = (AbuseTarget.Token(), 0u);
        return AskAsync(
            target,
            32,
            connection =>
            {
                if (Interlocked.Increment(ref number) % 2 == 0)
                    connection.SendHead(
                        "OPTIONS",
                        "/v1/events",
                        token,
                        "Origin: https://elsewhere.example\r\nAccess-Control-Request-Method: POST\r\n"
                    );
                else
                    connection.SendHead("POST", "/v1/events", token, "Sec-Fetch-Site: cross-site\r\n");
                return connection.ReadAnswer(withBody: true).Status;
            },
            over
        );
    }

    /// <summary>Asks for streams by bodies of many members, each with an error, so that no stream opens.</summary>
    private static Task<string> StreamBodiesAsync(AbuseTarget target, CancellationToken over)
    {
        var members = Enumerable
            .Range(0, Members)
            .Select(n => string.Create(CultureInfo.InvariantCulture, $"\"{n:x}\":1"));
        var body = Encoding.ASCII.GetBytes($"{{\"from\":\"nowhere\",{string.Join(',', members)}}}");
        var (tokens, number) = (Tokens(Users), 0u);
        return AskAsync(
            target,
            64,
            connection =>
                connection
                    .Post(
                        "/v1/events/stream?topic=flood.a",
                        tokens[Interlocked.Increment(ref number) % Users],
                        "application/json",
                        body
                    )
                    .Status,
            over
        );
    }

    /// <summary>Sends a bulk whose chunks are almost empty, but have long extensions (RFC 9112 §7.1.1).</summary>
    private static async Task<string> ChunkExtensionsAsync(AbuseTarget target, CancellationToken over)
    {
        var chunk = Encoding.ASCII.GetBytes($"4;{new string('x', ExtensionBytes)}\r\n\n\n\n\n\r\n");
        var sent = await BulksAsync(target, chunk, int.MaxValue, over);
        return string.Create(CultureInfo.InvariantCulture, $"{sent * chunk.Length / 1_000_000} MB of extensions");
    }

    /// <summary>Places orders, whose steps the system takes afterwards.</summary>
    private static Task<string> OrdersAsync(AbuseTarget target, CancellationToken over)
    {
        var tokens = Enumerable
            .Range(0, Users)
            .Select(user =>
                SystemSettings.User(
                    string.Create(CultureInfo.InvariantCulture, $"orders-{user}"),
                    ["petstore.>"],
                    ["petstore.>"]
                )
            )
            .ToArray();
        var number = 0u;
        return AskAsync(
            target,
            32,
            connection =>
                connection
                    .Post(
                        "/v1/orders",
                        tokens[Interlocked.Increment(ref number) % Users],
                        "application/json",
                        "{\"petId\":\"019b4132\"}"u8
                    )
                    .Status,
            over
        );
    }

    /// <summary>Opens streams with a source of their own as often as allowed, by last ids that are made up.</summary>
    private static async Task<string> SourcesAsync(AbuseTarget target, CancellationToken over)
    {
        var (answers, number) = (new Answers(), 0);
        await Attack.OnThreads(
            Users,
            user =>
            {
                var token = SystemSettings.User(
                    string.Create(CultureInfo.InvariantCulture, $"sources-{user}"),
                    ["sse.resilient.>"],
                    ["sse.resilient.>"]
                );
                while (!over.WaitHandle.WaitOne(20))
                {
                    using var connection = new RawConnection(target.Next());
                    connection.SendHead(
                        "GET",
                        $"/sse/resilient/flood-{Interlocked.Increment(ref number)}",
                        token,
                        "Last-Event-ID: 1\r\n"
                    );
                    answers.Count(connection.ReadAnswer(withBody: false).Status);
                }
            }
        );
        return answers.ToString();
    }
}
