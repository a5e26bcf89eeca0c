using System.ComponentModel;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using StreamApi.Agents.Sessions;
using StreamApi.Agents.Tools;
using StreamApi.Chat;
using StreamApi.Chat.PerRequest;
using StreamApi.Chat.Providers;
using StreamApi.Runs;
using StreamApi.Streaming;

namespace StreamApi.Agents;

/// <summary>An agent with tools: one question (<c>/stream?prompt=</c>), or a session with messages one way and a stream the other.</summary>
internal static class AgentsApi
{
    public static void AddAgents(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(AIFunctionFactory.Create(
            ([Description("A sum, for example (12 + 8) * 3")] string expression) => Calculator.Evaluate(expression), "calculate", "Works out a sum."));
        builder.Services.AddSingleton<Agent>();
        builder.Services.AddSingleton<AgentRuns>();
        builder.Services.AddSingleton<AgentSessions>();
    }

    public static void MapAgents(this IEndpointRouteBuilder app)
    {
        var agents = app.MapGroup("").WithTags("Agents");
        agents.MapMethods("/stream", ["GET", "POST", "QUERY"], (HttpContext context, AgentRuns runs) => runs.OpenAsync(context)).DisableHttpMetrics();
        agents.MapPost("/session", CreateAsync);
        agents.MapPost("/message/{sessionId}", SendAsync);
        agents.MapGet("/stream/{sessionId}", StreamAsync).DisableHttpMetrics();
        // Hears of dead replicas from the start.
        app.ServiceProvider.GetRequiredService<AgentSessions>();
    }

    private static async Task<IResult> CreateAsync(HttpContext context, AgentSessions sessions, IOptions<LlmOptions> options)
    {
        try
        {
            var (provider, model) = ((string?)null, (string?)null);
            if (context.Request.ContentLength is > 0 && context.Request.HasJsonContentType())
            {
                var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
                (provider, model) = (ChatBody.Text(body, "provider"), ChatBody.Text(body, "model"));
            }
            return TypedResults.Json(new SessionCreated(await sessions.CreateAsync(provider, model, context.RequestAborted)), RunJson.Options);
        }
        catch (InvalidChatException e) { return ChatProblem.Of(e); }
    }

    private static async Task<IResult> SendAsync(string sessionId, HttpContext context, AgentSessions sessions, RunLog runs, IOptions<LlmOptions> options)
    {
        if (!AgentSessions.TryName(sessionId, out var name) || await runs.AnnouncedAsync(name, context.RequestAborted) is null) return NotFound();
        try
        {
            var content = ChatBody.Text(await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes), "content");
            if (string.IsNullOrWhiteSpace(content)) return Problems.Field("content", "is required.");
            await sessions.SendAsync(name, content, context.RequestAborted);
            return TypedResults.Ok(new { status = "ok" });
        }
        catch (InvalidChatException e) { return ChatProblem.Of(e); }
    }

    private static async Task StreamAsync(string sessionId, HttpContext context, AgentSessions sessions, RunLog runs, FiniteStreams streams)
    {
        if (!AgentSessions.TryName(sessionId, out var name) || await runs.AnnouncedAsync(name, context.RequestAborted) is not { } announced) { await NotFound().ExecuteAsync(context); return; }
        bool named;
        try { named = ChatFrames.Of(context.Request).Named ?? false; }
        catch (InvalidChatException e) { await ChatProblem.Of(e).ExecuteAsync(context); return; }
        sessions.Wake(name);
        await streams.OpenAsync(context, name.Topic, AgentForm.Session(named), [], announced);
    }

    private static ProblemHttpResult NotFound() => TypedResults.Problem(statusCode: StatusCodes.Status404NotFound, title: "Session not found",
        detail: "There is no such session: POST /session makes one.", extensions: new Dictionary<string, object?> { ["error"] = "Session not found" });

    private sealed record SessionCreated([property: System.Text.Json.Serialization.JsonPropertyName("session_id")] string SessionId);
}
