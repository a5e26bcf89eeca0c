using EventStore;
using LlmGateway.Providers;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Opening;
using Streaming.Requests;

namespace LlmGateway.Generations;

/// <summary>
/// <c>/v1/generations</c>: answers that outlive their readers. Any replica serves any of them: the reader that drops
/// comes back anywhere
/// and gets the rest. A drop is no cancel; <c>DELETE</c> is.
/// </summary>
internal static class GenerationsApi
{
    public static void MapGenerations(this IEndpointRouteBuilder app)
    {
        var generations = app.MapGroup("/v1/generations").WithTags("Generations");
        generations
            .MapPost("", StartAsync)
            .Publishes("generations.*")
            .LimitedAsGeneration()
            .RefusesInvalid()
            .TakesIdempotencyKey()
            .Takes<GenerationRequest>()
            .Produces<GenerationState>(StatusCodes.Status201Created);
        generations.MapGet("/{id}", ReadAsync).Reads("generations.{id}").Produces<GenerationState>();
        generations
            .MapDelete("/{id}", CancelAsync)
            .Publishes("generations.{id}")
            .LimitedAsPublish()
            .Produces<GenerationState>();
        generations
            .MapStream("/{id}/stream", StreamAsync)
            .Reads("generations.{id}")
            .Sends(
                "The answer from its start, or after the last id; any number of readers.",
                ("token", typeof(GenerationToken)),
                ("tool_use", typeof(GenerationToolUse)),
                ("state", typeof(GenerationWaits)),
                ("done", typeof(GenerationDone)),
                ("error", typeof(StreamError))
            );
    }

    private static async Task<IResult> StartAsync(
        HttpContext context,
        Generator generator,
        ChatProviders providers,
        IdempotencyKeys keys,
        IOptions<LlmOptions> options
    )
    {
        var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
        var call = ChatCall.Read(body, providers, options.Value);
        var (id, _) = await IdempotencyKey.IdAsync(context, keys, body.GetRawText());
        await generator.StartAsync(call, id, context.RequestAborted);
        return TypedResults.Created(
            $"/v1/generations/{id}",
            new
            {
                id,
                stream = GenerationState.StreamOf(id),
                status = "running",
                provider = call.Target.Provider,
                model = call.Target.Model,
            }
        );
    }

    private static Task<IResult> ReadAsync(string id, HttpContext context, RunLog runs) =>
        StateAsync(id, context, runs);

    private static async Task StreamAsync(string id, HttpContext context, RunLog runs, FiniteStreams streams)
    {
        var name = new RunName(Generator.Kind, id);
        if (!IsId(id) || await runs.AnnouncedAsync(name, context.RequestAborted) is not { } announced)
        {
            await NotFound(id).ExecuteAsync(context);
            return;
        }
        await streams.OpenAsync(context, name.Topic, GenerationFormat.Instance, GenerationFormat.EndTypes, announced);
    }

    /// <summary>Comes back when it has ended, which its writer, on whichever replica, sees to at once; says how it
    /// ended. Again: the same.</summary>
    private static async Task<IResult> CancelAsync(string id, HttpContext context, RunLog runs, TimeProvider clock)
    {
        var name = new RunName(Generator.Kind, id);
        if (IsId(id) && await runs.CancelAsync(name, context.RequestAborted))
        {
            var start = clock.GetTimestamp();
            while (
                await runs.GoesOnAsync(name, context.RequestAborted)
                && clock.GetElapsedTime(start) < TimeSpan.FromSeconds(2)
            )
                await Task.Delay(TimeSpan.FromMilliseconds(20), clock, context.RequestAborted);
        }
        return await StateAsync(id, context, runs);
    }

    private static async Task<IResult> StateAsync(string id, HttpContext context, RunLog runs)
    {
        if (
            !IsId(id)
            || await GenerationState.ReadAsync(new RunName(Generator.Kind, id), runs, context.RequestAborted)
                is not var (state, position)
        )
            return NotFound(id);
        // A reader that shows the text and streams on after this position has no gap and nothing twice.
        context.Response.Headers["X-Sse-Position"] = position.ToString();
        return TypedResults.Json(state, RunJson.Options);
    }

    private static bool IsId(string id) => id.Length == 32 && id.All(char.IsAsciiHexDigitLower);

    private static ProblemHttpResult NotFound(string id) =>
        TypedResults.Problem(
            statusCode: StatusCodes.Status404NotFound,
            title: "No such generation",
            detail: $"There is no generation '{(id.Length > 64 ? id[..64] : id)}'."
        );
}

/// <summary>What a generation is asked with.</summary>
internal sealed record GenerationRequest(
    IReadOnlyList<ChatRequestMessage> Messages,
    string? Model,
    string? Provider,
    int? MaxTokens
);

internal sealed record ChatRequestMessage(string Role, string Content);

internal sealed record GenerationToken(string Text);

internal sealed record GenerationToolUse(string Id, string Tool, System.Text.Json.JsonElement Input);

/// <summary>The answer waits for its provider: <c>queued</c> or <c>retrying</c>.</summary>
internal sealed record GenerationWaits(string State, string Reason, int? Attempt, long? RetryInMs);

internal sealed record GenerationDone(string FinishReason, GenerationUsage Usage);

/// <summary>An error inside a stream.</summary>
internal sealed record StreamError(string Error, bool Fatal, string Reason);
