using System.Text.Json;
using StreamApi.Security;

namespace StreamApi.Events;

/// <summary><c>POST /v1/erasures</c>: erases events for ever, for operators.</summary>
internal static class ErasureApi
{
    private const int MaxNames = 1_000;

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
        var ids = body.Texts("ids", MaxNames).Select(id => Guid.TryParse(id, out var known) ? known : throw NotId(id));
        // In Development a caller of this machine needs no credential.
        var by = Caller.Of(context).User ?? Caller.ClientOf(context);
        try
        {
            var erasure = new Erasure
            {
                Topics = body.Texts("topics", MaxNames),
                Ids = [.. ids],
                Reason = body.RequiredText("reason", int.MaxValue),
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
        catch (ArgumentException e)
        {
            // A pattern, or another text that is no topic, is not said to be one of them.
            var member = e.ParamName ?? nameof(Erasure.Topics);
            return InvalidRequestException.ProblemOf(JsonNamingPolicy.CamelCase.ConvertName(member), e.Message);
        }
        catch (OpenRunException e)
        {
            return InvalidRequestException.ProblemOf("topics", e.Message, StatusCodes.Status409Conflict);
        }
    }

    private static InvalidRequestException NotId(string id) => new("ids", $"'{id}' is not the id of an event, a UUID.");

    private sealed record ErasureBody(IReadOnlyList<string>? Topics, IReadOnlyList<Guid>? Ids, string Reason);
}
