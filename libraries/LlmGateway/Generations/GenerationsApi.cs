using EventStore;
using Microsoft.Extensions.Options;
using Runs;

namespace LlmGateway.Generations;

/// <summary>
/// <c>/v1/generations</c>: answers that outlive their readers. A reader can resume on any replica; only <c>DELETE</c>
/// cancels a generation.
/// </summary>
internal static class GenerationsApi
{
    private const string Topic = "generations.{id}";

    public static void AddGenerations(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(services => new FlushScheduler(
            services.GetRequiredService<IOptions<LlmOptions>>().Value.CoalesceMilliseconds,
            () => services.GetRequiredService<LiveRuns>().Count,
            services.GetRequiredService<TimeProvider>()
        ));
        builder.Services.AddSingleton<AnswerBufferFactory>();
        builder.Services.AddSingleton<RunUpdates>();
        builder.Services.AddSingleton<PromptStore>();
        builder.Services.AddSingleton<ConversationReader>();
        builder.Services.AddSingleton<RunThreads>();
        builder.Services.AddSingleton<Generator>();
        builder.Services.AddSingleton<Continuations>();
        builder.Services.AddSingleton(Continuations.Work);
    }

    /// <param name="app">The routes.</param>
    /// <param name="formatOf">Returns what shows a generation in the protocol that the query names, or null if it names
    /// none.</param>
    public static void MapGenerations(this IEndpointRouteBuilder app, Func<HttpContext, string, Func<Task>?> formatOf)
    {
        var generations = app.MapGroup("/v1/generations").WithTags("Generations");
        generations
            .MapPost("", StartAsync)
            .Publishes("generations.*")
            .CountedAs(GenerationLimit.Requests)
            .TakesIdempotencyKey()
            .Takes<GenerationRequest>()
            .Produces<GenerationState>(StatusCodes.Status201Created);

        generations.MapGet("/{id}", ReadAsync).ReadsOwn(Topic).Produces<GenerationState>();

        generations
            .MapDelete("/{id}", CancelAsync)
            .Publishes(Topic)
            .ReadsOwn(Topic)
            .CountedAs(RequestKind.Publish)
            .Produces<GenerationState>();

        generations
            .MapMethods(
                "/{id}/stream",
                StreamEndpoints.StreamMethods,
                (string id, HttpContext context, RunStreams streams) => StreamAsync(id, context, streams, formatOf)
            )
            .OpensStream()
            .ReadsOwn(Topic)
            .Query(
                "format",
                "chat-completions, messages, ui-messages or ag-ui: from its start, as its clients read it."
            )
            .SendsNumbered(
                "The answer from its start, or after the last id, for any number of readers.",
                ("token", typeof(GenerationToken)),
                ("reasoning", typeof(GenerationToken)),
                ("tool_use", typeof(GenerationToolUse)),
                ("state", typeof(DelayNotice)),
                ("restarted", typeof(GenerationRestarted)),
                ("done", typeof(GenerationDone)),
                ("error", typeof(StreamError))
            );
    }

    private static async Task<IResult> StartAsync(
        HttpContext context,
        Generator generator,
        ChatProviders providers,
        IStreamAccess access,
        RequestKeyStore keys,
        IOptions<LlmOptions> options
    )
    {
        var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
        var call = ChatCall.Read(body, providers).From(access.ClientOf(context));
        var (id, _) = await IdempotencyKey.IdAsync(context, keys, body.Json.GetRawText);
        var prompt = new RunPrompt(GenerationName.Kind, [.. call.Messages]);
        await generator.StartAsync(call, prompt, id, access.OwnerOf(context), context.RequestAborted);

        var generation = $"{PathOf(context)}/{id}";
        context.Response.Headers.Location = generation;
        return TypedResults.Json(
            new JsonObject
            {
                ["id"] = id,
                ["stream"] = $"{generation}/stream",
                ["status"] = "running",
                ["provider"] = call.Target.Provider,
                ["model"] = call.Target.Model,
            },
            NodeJson.Readable.JsonObject,
            statusCode: StatusCodes.Status201Created
        );
    }

    private static async Task<IResult> ReadAsync(string id, HttpContext context)
    {
        var name = await FindAsync(id, context);
        return await StateAsync(name, context);
    }

    private static async Task StreamAsync(
        string id,
        HttpContext context,
        RunStreams streams,
        Func<HttpContext, string, Func<Task>?> formatOf
    )
    {
        var name = await FindAsync(id, context);
        if (formatOf(context, id) is { } showAsync)
            await showAsync();
        else if (!await streams.TryOpenAsync(context, name, GenerationFormat.Instance, GenerationFormat.EndTypes))
            throw NotFound(id);
    }

    /// <summary>
    /// Cancels the generation on whichever replica writes it, waits for its end, and returns its state. Idempotent.
    /// </summary>
    private static async Task<IResult> CancelAsync(string id, HttpContext context, RunStore runs, TimeProvider clock)
    {
        var name = await FindAsync(id, context);
        await runs.CancelAndWaitAsync(name.Topic, clock, context.RequestAborted);
        return await StateAsync(name, context);
    }

    private static async Task<IResult> StateAsync(RunName name, HttpContext context)
    {
        var states = context.RequestServices.GetRequiredService<RunStateAnswers>();
        var stream = $"{PathOf(context)}/stream";
        return await states.AnswerAsync(
                context,
                (runs, maxBytes) => GenerationState.ReadAsync(name, stream, runs, maxBytes, context.RequestAborted)
            ) ?? throw NotFound(name.Id);
    }

    /// <summary>Returns the name of a generation that the caller may read.</summary>
    /// <exception cref="NoRunException">The caller may not read it, or no generation can have the id.</exception>
    private static async Task<RunName> FindAsync(string id, HttpContext context)
    {
        var streams = context.RequestServices.GetRequiredService<RunStreams>();
        var name = GenerationName.Of(id) ?? new RunName(GenerationName.Kind, "*");
        if (!await streams.MayReadAsync(context, name))
            throw NoRunException.Forbidden;
        return name.Id == id ? name : throw NotFound(id);
    }

    /// <summary>Returns the path as the client sees it: with a path base, and the prefix of a route group.</summary>
    private static string PathOf(HttpContext context) =>
        context.Request.PathBase.Add(context.Request.Path).ToUriComponent().TrimEnd('/');

    private static NoRunException NotFound(string id) =>
        new("Generation not found", $"There is no generation '{(id.Length > 64 ? id[..64] : id)}'.");
}
