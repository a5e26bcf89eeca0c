using System.Text.Json;
using StreamApi.Security;

namespace StreamApi.Events;

/// <summary><c>POST /v1/erasures</c>: erases events for ever, for operators.</summary>
internal static class ErasureApi
{
    private const int MaxNames = 1_000,
        MaxReason = 1_000;

    public static void MapErasures(this IEndpointRouteBuilder events) =>
        events
            .MapPost("/erasures", EraseAsync)
            .Publishes(SystemTopics.Erasures)
            .CountedAs(RequestKind.Publish)
            .Takes<ErasureBody>()
            .Produces<ErasureResult>()
            .WithDescription(
                "Erases the events of topics, each with all topics below it, or of ids, and records who did it and why."
                    + $" Requires the claim sse.publish for {SystemTopics.Erasures}."
            );

    private static async Task<IResult> EraseAsync(HttpContext context, IEventLog log, ILogger<Erasure> logger)
    {
        var body = await JsonBody.ReadAsync(context);
        // A misspelt member would erase less than was asked.
        body.CheckMembers("topics", "ids", "reason");
        var topics = Texts(body, "topics");
        var ids = Texts(body, "ids").Select(id => Guid.TryParse(id, out var known) ? known : throw NotId(id)).ToArray();
        if (topics.Count + ids.Length == 0)
            throw new InvalidRequestException("topics", "or ids must have an entry.");
        var reason = body.RequiredText("reason", MaxReason);
        if (string.IsNullOrWhiteSpace(reason))
            throw new InvalidRequestException("reason", "must not be empty.");

        // In Development a caller of this machine needs no credential.
        var by = Caller.Of(context).User ?? Caller.ClientOf(context);
        try
        {
            var erasure = new Erasure
            {
                Topics = topics,
                Ids = ids,
                Reason = reason,
                By = by,
            };
            var erased = await log.EraseAsync(erasure, context.RequestAborted);
            logger.LogWarning(
                "Erasure {Number} by {By}: {Events} events and {Rows} outbox rows are gone",
                erased.Number,
                by,
                erased.Events,
                erased.OutboxRows
            );
            return TypedResults.Ok(erased);
        }
        // A pattern or another text that is no topic.
        catch (ArgumentException e)
        {
            return InvalidRequestException.ProblemOf("topics", e.Message);
        }
        catch (OpenRunException e)
        {
            return InvalidRequestException.ProblemOf("topics", e.Message, StatusCodes.Status409Conflict);
        }
    }

    private static List<string> Texts(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var list))
            return [];
        if (
            list.ValueKind != JsonValueKind.Array
            || list.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.String)
        )
            throw new InvalidRequestException(name, "must be a list of strings.");
        if (list.GetArrayLength() > MaxNames)
            throw new InvalidRequestException(name, $"has more than {MaxNames} entries.");
        try
        {
            return [.. list.EnumerateArray().Select(e => e.GetString()!)];
        }
        catch (InvalidOperationException)
        {
            throw new InvalidRequestException(name, "has an unpaired surrogate, which UTF-8 cannot encode.");
        }
    }

    private static InvalidRequestException NotId(string id) => new("ids", $"'{id}' is not the id of an event, a UUID.");

    private sealed record ErasureBody(IReadOnlyList<string>? Topics, IReadOnlyList<Guid>? Ids, string Reason);
}
