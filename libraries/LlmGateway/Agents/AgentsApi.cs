using System.Text;
using System.Text.Json.Serialization;
using EventStore;
using LlmGateway.Agents.Sessions;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Frames;
using Streaming.Opening;

namespace LlmGateway.Agents;

/// <summary>
/// An agent with tools. A client asks one question (<c>/stream?prompt=</c>), or opens a session, sends messages to it
/// and streams its answers.
/// </summary>
internal static class AgentsApi
{
    private const string Topic = "sessions.{sessionId}";

    private static readonly NamedFormatChoice SessionFormats = GenerationFormat.Choice(_ => false, ends: []);

    public static void AddAgents(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<LlmGatewayOptions>().ValidateOnStart();
        builder.Services.AddSingleton<AgentAnswers>();
        builder.Services.AddSingleton<AgentRuns>();
        builder.Services.AddSingleton<QuestionReader>();
        builder.Services.AddSingleton<AgentSessions>();
    }

    public static void MapAgents(this IEndpointRouteBuilder app)
    {
        var agents = app.MapGroup("").WithTags("Agents");
        agents
            .MapMethods(
                "/stream",
                StreamEndpoints.StreamMethods,
                (HttpContext context, AgentRuns runs) => runs.OpenAsync(context)
            )
            .OpensStream()
            .Publishes("agents.*")
            .TakesIdempotencyKey()
            .Query("prompt", "The question.", required: true, isText: true)
            .Query("provider", "Name of the provider.")
            .Query("model", "Name of the model.")
            .SwitchesNames()
            .Sends("An agent's answer, with its tool calls and their results.", Events(AgentEvents.End));

        agents
            .MapPost("/session", CreateAsync)
            .Publishes("sessions.*")
            .CountedAs(RequestKind.Publish)
            .TakesIdempotencyKey()
            .Produces<SessionCreated>();
        agents.MapGet("/session/{sessionId}", ReadAsync).ReadsOwn(Topic).Produces<SessionState>();
        agents
            .MapPost("/message/{sessionId}", SendAsync)
            .Publishes(Topic)
            .ReadsOwn(Topic)
            .CountedAs(GenerationLimit.Requests)
            .TakesIdempotencyKey()
            .Takes<SessionMessage>();

        agents
            .MapMethods("/stream/{sessionId}", StreamEndpoints.StreamMethods, StreamAsync)
            .OpensStream()
            .ReadsOwn(Topic)
            .SwitchesNames()
            .StartsWork()
            .SendsNumbered("The answers to the messages of a session.", Events(AgentEvents.MessageEnd));

        app.ServiceProvider.GetRequiredService<ProcessLease>().Swept += app
            .ServiceProvider.GetRequiredService<AgentSessions>()
            .Resume;
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context,
        RunAppender appender,
        ChatProviders providers,
        RequestKeyStore keys,
        IStreamAccess access
    )
    {
        var body = JsonBody.IsThere(context) ? await JsonBody.ReadAsync(context) : JsonElement.Parse("{}");
        body.CheckMembers("provider", "model");
        var session = new SessionStarted(
            body.Text("provider", ChatBody.MaxName),
            body.Text("model", ChatBody.MaxName),
            Owner: access.OwnerOf(context)
        );
        var (id, hasKey) = await IdempotencyKey.IdAsync(context, keys, body.GetRawText);
        if ((session.Provider ?? session.Model) is not null)
            providers.Resolve(session.Provider, session.Model);

        // An id from a key is reproducible; any other id is random. A session with a known id is stored once.
        var guid = hasKey ? Guid.ParseExact(id, "N") : Guid.NewGuid();
        var name = new RunName(AgentSessions.Kind, guid.ToString("D"));
        var announcement = RunEvent.Of(RunStore.Announcement, session);
        await appender.AppendToLogAsync(name, access.ClientOf(context), announcement, guid, context.RequestAborted);

        return TypedResults.Json(new SessionCreated(name.Id), RunJson.Options.TypeOf<SessionCreated>());
    }

    private static async Task<IResult> ReadAsync(string sessionId, HttpContext context, RunStateAnswers states)
    {
        var name = await FindAsync(sessionId, context);
        return await states.AnswerAsync(
                context,
                (runs, maxBytes) => SessionState.ReadAsync(name, runs, maxBytes, context.RequestAborted)
            ) ?? throw NotFound();
    }

    private static async Task<IResult> SendAsync(
        string sessionId,
        HttpContext context,
        AgentSessions sessions,
        AgentAnswers agent,
        RunStore runs,
        RunAppender appender,
        RequestBudget budget,
        IStreamAccess access,
        RequestKeyStore keys,
        IOptions<LlmOptions> options
    )
    {
        var name = await FindAsync(sessionId, context);
        var session = await SessionStarted.ReadAsync(name, runs, context.RequestAborted) ?? throw NotFound();

        var maxBytes = options.Value.MaxMessageBytes;
        // The limit is for the text itself; JSON may escape a character with six bytes.
        var body = await ChatBody.ReadAsync(context, Math.Min(6 * maxBytes, options.Value.MaxRequestBytes));
        body.Json.CheckMembers("content");
        var content = body.Text("content");
        if (string.IsNullOrWhiteSpace(content))
            throw new InvalidRequestException("content", "is required.");
        if (Encoding.UTF8.GetByteCount(content) > maxBytes)
            throw new InvalidRequestException(
                "content",
                $"has at most {maxBytes} bytes.",
                StatusCodes.Status413PayloadTooLarge
            );

        var message = RunEvent.Of(
            StoredMessage.Type,
            new StoredMessage(content, await agent.ToolsForAsync(context), Announced: session)
        );
        budget.Charge(context, [NewEvent.Own(name.Log, message.Type, message.Data)]);
        var (id, _) = await IdempotencyKey.IdAsync(context, keys, body.Json.GetRawText);
        // The answer follows on the session's stream. A message with a known id is stored once.
        var client = access.ClientOf(context);
        var stored = message with { Key = id };
        await appender.AppendToLogAsync(name, client, stored, Guid.ParseExact(id, "N"), context.RequestAborted);
        await sessions.ContinueAsync(name, client);

        return TypedResults.Json(new JsonObject { ["status"] = "ok" }, NodeJson.Readable.JsonObject);
    }

    private static async Task StreamAsync(
        string sessionId,
        HttpContext context,
        AgentSessions sessions,
        RunStore runs,
        IStreamAccess access,
        FiniteStreams streams
    )
    {
        var name = await FindAsync(sessionId, context);
        var format = SessionFormats.For(context.Request.Query.Flag("named"));
        var log = await runs.LogStartAsync(name.Topic, context.RequestAborted) ?? throw NotFound();

        sessions.Wake(name, access.ClientOf(context));
        await streams.OpenAsync(
            context,
            name.Topic,
            format,
            [],
            log.IsAnnouncement ? log.At : null,
            isShortened: !log.IsAnnouncement
        );
    }

    /// <summary>Returns the name of a session that the caller may use
    /// (<see cref="OwnerAccess.MayReadRunAsync"/>).</summary>
    /// <exception cref="NoRunException">The caller may not use it, or no session can have the id.</exception>
    private static async Task<RunName> FindAsync(string sessionId, HttpContext context)
    {
        var services = context.RequestServices;
        var isName = AgentSessions.TryName(sessionId, out var name);
        var topic = isName ? name.Topic : $"{AgentSessions.Kind}.*";
        if (!await services.GetRequiredService<OwnerAccess>().MayReadRunAsync(context, topic, OwnerAsync))
            throw NoRunException.Forbidden;
        return isName ? name : throw NotFound();

        async Task<string?> OwnerAsync()
        {
            var runs = services.GetRequiredService<RunStore>();
            return isName ? (await SessionStarted.ReadAsync(name, runs, context.RequestAborted))?.Owner : null;
        }
    }

    private static NoRunException NotFound() =>
        new(
            "Session not found",
            "There is no such session. POST /session creates one.",
            KeyValuePair.Create<string, object?>("error", "Session not found")
        );

    private static StreamEvent[] Events(string end) =>
        [
            (AgentEvents.Content, typeof(AgentContent)),
            (AgentEvents.ToolUse, typeof(AgentToolUse)),
            (AgentEvents.ToolResult, typeof(AgentToolResult)),
            (end, typeof(AgentEnd)),
            ("error", typeof(StreamError)),
        ];
}

internal sealed record SessionCreated([property: JsonPropertyName("session_id")] string SessionId);

internal sealed record SessionMessage(string Content);
