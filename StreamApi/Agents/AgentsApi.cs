using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using StreamApi.Agents.Sessions;
using StreamApi.Agents.Tools;
using StreamApi.Chat;
using StreamApi.Chat.Generations;
using StreamApi.OpenApi;
using StreamApi.Requests;
using StreamApi.Runs;
using StreamApi.Security;
using StreamApi.Security.Limits;
using StreamApi.Streaming;
using StreamApi.Streaming.Frames;

namespace StreamApi.Agents;

/// <summary>An agent with tools: one question (<c>/stream?prompt=</c>), or a session with messages one way and a stream the other.</summary>
internal static class AgentsApi
{
    private static readonly NamedForms SessionForms = NamedForms.Of(_ => false);

    public static void AddAgents(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(AIFunctionFactory.Create(
            ([Description("A sum, for example (12 + 8) * 3")] string expression) => Calculator.Evaluate(expression), "calculate", "Works out a sum."));
        builder.Services.AddSingleton<ShopTools>();
        builder.Services.AddSingleton(services => services.GetRequiredService<ShopTools>().SearchPets);
        builder.Services.AddSingleton(services => services.GetRequiredService<ShopTools>().LookUpOrder);
        builder.Services.AddSingleton<Agent>();
        builder.Services.AddSingleton<AgentRuns>();
        builder.Services.AddSingleton<AgentSessions>();
    }

    public static void MapAgents(this IEndpointRouteBuilder app)
    {
        var agents = app.MapGroup("").WithTags("Agents");
        agents.MapStream("/stream", (HttpContext context, AgentRuns runs) => runs.OpenAsync(context)).Publishes("agents.*")
            .Query("prompt", "The question.", required: true).Query("provider", "Who answers.").Query("model", "With which model.")
            .Sends("An agent's answer, its tools' uses and results among it.", Events("end", typeof(AgentEnd)));
        agents.MapPost("/session", CreateAsync).Publishes("sessions.*").LimitedAsPublish().RefusesInvalid().Produces<SessionCreated>();
        agents.MapGet("/session/{sessionId}", ReadAsync).Reads("sessions.{sessionId}").Produces<SessionState>();
        agents.MapPost("/message/{sessionId}", SendAsync).Publishes("sessions.{sessionId}").LimitedAsGeneration().RefusesInvalid().Takes<SessionMessage>();
        agents.MapStream("/stream/{sessionId}", StreamAsync).Reads("sessions.{sessionId}").Sends("A session: the answers to its messages.", Events("message_end", typeof(AgentEnd)));
        // Hears of dead replicas from the start.
        app.ServiceProvider.GetRequiredService<AgentSessions>();
    }

    private static async Task<IResult> CreateAsync(HttpContext context, AgentSessions sessions, IOptions<LlmOptions> options)
    {
        var (provider, model) = ((string?)null, (string?)null);
        if (JsonBody.IsThere(context))
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            (provider, model) = (ChatBody.Text(body, "provider"), ChatBody.Text(body, "model"));
        }
        return TypedResults.Ok(new SessionCreated(await sessions.CreateAsync(provider, model, context.RequestAborted)));
    }

    private static async Task<IResult> ReadAsync(string sessionId, HttpContext context, RunLog runs)
    {
        if (!AgentSessions.TryName(sessionId, out var name)) return NotFound();
        var record = await runs.ReadAsync(name, context.RequestAborted);
        if (SessionState.Of(name, record) is not { } state) return NotFound();
        // A reader that shows the turns and streams on after this position has no gap and nothing twice.
        context.Response.Headers["X-Sse-Position"] = new StreamId(record.Epoch, record.Events[^1].Position).ToString();
        return TypedResults.Json(state, RunJson.Options);
    }

    private static async Task<IResult> SendAsync(string sessionId, HttpContext context, AgentSessions sessions, RunLog runs, IOptions<LlmOptions> options)
    {
        if (!AgentSessions.TryName(sessionId, out var name) || await runs.AnnouncedAsync(name, context.RequestAborted) is null) return NotFound();
        var content = ChatBody.Text(await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes), "content");
        if (string.IsNullOrWhiteSpace(content)) throw new InvalidRequestException("content", "is required.");
        await sessions.SendAsync(name, content, context.RequestAborted);
        return TypedResults.Ok(new { status = "ok" });
    }

    private static async Task StreamAsync(string sessionId, HttpContext context, AgentSessions sessions, RunLog runs, FiniteStreams streams)
    {
        var form = SessionForms.For(context.Request.Query.Flag("named"));
        if (!AgentSessions.TryName(sessionId, out var name) || await runs.AnnouncedAsync(name, context.RequestAborted) is not { } announced) { await NotFound().ExecuteAsync(context); return; }
        sessions.Wake(name);
        await streams.OpenAsync(context, name.Topic, form, [], announced);
    }

    private static ProblemHttpResult NotFound() => TypedResults.Problem(statusCode: StatusCodes.Status404NotFound, title: "Session not found",
        detail: "There is no such session: POST /session makes one.", extensions: new Dictionary<string, object?> { ["error"] = "Session not found" });

    private static (string, Type)[] Events(string end, Type data) =>
        [("content", typeof(AgentContent)), ("tool_use", typeof(AgentToolUse)), ("tool_result", typeof(AgentToolResult)), (end, data), ("error", typeof(StreamError))];

    private sealed record SessionCreated([property: JsonPropertyName("session_id")] string SessionId);

    private sealed record SessionMessage(string Content);

    private sealed record AgentContent(string Type, string Content, string Data);

    private sealed record AgentToolUse(string Type, string Id, string Tool, JsonElement Input);

    private sealed record AgentToolResult(string Type, string Id, string Tool, JsonElement Output, double DurationMs);

    private sealed record AgentEnd(string Type);
}
