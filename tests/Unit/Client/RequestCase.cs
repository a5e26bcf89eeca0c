using System.Text.Json;
using AspireSse.Client;
using Microsoft.AspNetCore.Http;

namespace Unit.Client;

/// <summary>A case of <c>clients/cases/requests.json</c>, which the tests of all clients read.</summary>
/// <param name="Name">The rule.</param>
/// <param name="Answers">The server's answers, in turn; the last one serves all further requests.</param>
/// <param name="Requests">The methods of the expected requests.</param>
public sealed record RequestCase(string Name, JsonElement[] Answers, string[] Requests)
{
    public string? Method { get; init; }

    public Dictionary<string, string>? Headers { get; init; }

    /// <summary><c>renews</c>: a new token each time; <c>fails first</c>: the first call throws; <c>cannot be sent</c>:
    /// a token of two lines.</summary>
    public string? Credential { get; init; }

    public int? MaxRetries { get; init; }

    public int? MaxEvent { get; init; }

    /// <summary>Number of events after which the reader stops.</summary>
    public int? CloseAfter { get; init; }

    public string?[]? LastIds { get; init; }

    /// <summary>The position after the end.</summary>
    public string? LastId { get; init; }

    public string[] Events { get; init; } = [];

    public string End { get; init; } = "done";

    public static IReadOnlyDictionary<string, RequestCase> All { get; } =
        JsonSerializer
            .Deserialize<RequestCase[]>(
                File.ReadAllText(Path.Combine(Repository.Root, "clients", "cases", "requests.json")),
                JsonSerializerOptions.Web
            )!
            .ToDictionary(c => c.Name);

    internal static Func<HttpContext, Task> Answer(JsonElement answer) =>
        answer.ValueKind switch
        {
            JsonValueKind.Number => SseServer.Status(answer.GetInt32()),
            JsonValueKind.String => SseServer.Stream(answer.GetString()!),
            _ when answer.TryGetProperty("cut", out var frames) => SseServer.Broken(frames.GetString()!),
            _ when answer.TryGetProperty("length", out var length) => SseServer.Stream(
                $"data: {new string('x', length.GetInt32())}\n\n"
            ),
            _ when answer.TryGetProperty("endless", out var status) => SseServer.Endless(status.GetInt32()),
            _ => SseServer.Redirect(
                answer.GetProperty("redirect").GetInt32(),
                answer.TryGetProperty("to", out var target) ? target.GetString()! : "/result"
            ),
        };

    /// <summary>Reads the stream and returns its end by the name of the case, and its position then.</summary>
    internal async Task<(string End, string LastId)> ReadAsync(SseServer server, List<string> events)
    {
        var calls = 0;
        var request = new SseRequest(server.Url)
        {
            Method = new HttpMethod(Method ?? "GET"),
            Headers = Headers,
            BearerToken = Credential is null ? null : Token,
        };

        var options = new SseClientOptions
        {
            InitialDelay = TimeSpan.FromMilliseconds(1),
            MaxDelay = TimeSpan.FromMilliseconds(2),
            MaxRetries = MaxRetries ?? 50,
            MaxEventBytes = MaxEvent ?? 1024 * 1024,
        };
        using var client = new SseClient();
        var stream = client.Open(request, options);
        return (await EndOfAsync(stream, events), stream.LastEventId);

        ValueTask<string?> Token(CancellationToken cancellationToken) =>
            ++calls == 1 && Credential == "fails first"
                ? throw new InvalidOperationException("no token yet")
                : new(Credential == "cannot be sent" ? "two\nlines" : $"token {calls}");
    }

    private async Task<string> EndOfAsync(SseStream stream, List<string> events)
    {
        try
        {
            await foreach (var received in stream.WithCancellation(TestContext.Current.CancellationToken))
            {
                if (received.Type == "message")
                    events.Add(received.Data);
                if (events.Count == CloseAfter)
                    break;
            }

            return "done";
        }
        catch (SseException e)
        {
            return e.Error switch
            {
                SseError.Rejected or SseError.WrongContentType or SseError.Unavailable => "refused",
                SseError.Disconnected => "broken",
                SseError.RetriesExhausted => "exhausted",
                SseError.EventTooLarge => "too large",
                _ => e.Error.ToString(),
            };
        }
    }
}
