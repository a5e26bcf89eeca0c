using System.Text.Json.Serialization;
using LlmGateway.Agents;
using LlmGateway.Anthropic;
using LlmGateway.Generations;
using LlmGateway.OpenAi;
using LlmGateway.PerRequest;
using LlmGateway.Providers;
using LlmGateway.Telemetry;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Endpoints;

namespace LlmGateway;

/// <summary>The LLM gateway: providers, per-request chat, generations that survive, the vendors' own faces.</summary>
internal static class LlmGatewayExtensions
{
    /// <summary>What it takes to make a model work for one request: nothing of it is stored.</summary>
    private const string Topic = "chat";

    public static void AddLlmGateway(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<LlmOptions>().BindConfiguration("Llm").ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<LlmOptions>, ValidateLlmOptions>();
        builder.Services.AddSingleton<IValidateOptions<LlmOptions>, ValidateFirstToken>();
        builder.Services.AddSingleton<IPostConfigureOptions<LlmOptions>, VendorNames>();
        builder.Services.ReserveTopics("generations.>");
        builder.Services.AddSingleton<ChatMetrics>();
        builder.Services.AddSingleton(s => new FlushScheduler(
            s.GetRequiredService<IOptions<LlmOptions>>().Value,
            () => s.GetRequiredService<LiveRuns>().Count,
            s.GetRequiredService<TimeProvider>()
        ));
        builder.Services.AddSingleton<ChatProviders>();
        builder.Services.AddSingleton<ChatEndpoint>();
        builder.Services.AddSingleton<Generator>();
        builder.Services.AddSingleton<ChatCompletionsApi>();
        builder.Services.AddSingleton<MessagesApi>();
        builder.AddAgents();
    }

    public static void MapLlmGateway(this IEndpointRouteBuilder app)
    {
        var chat = app.MapGroup("/sse").WithTags("Chat").WithStreamPool("Sse");
        chat.MapPost("/chat", (HttpContext context, ChatEndpoint endpoint) => endpoint.PlainAsync(context))
            .Publishes(Topic)
            .LimitedAsGeneration()
            .DisableHttpMetrics()
            .RefusesInvalid()
            .Takes<ChatRequest>()
            .SendsOnce(
                "An answer token by token, then [DONE]; ends with its request.",
                ("content", typeof(ChatContent)),
                ("error", typeof(StreamError))
            );
        chat.MapPost("/backpressure-chat", (HttpContext context, ChatEndpoint endpoint) => endpoint.PacedAsync(context))
            .Publishes(Topic)
            .LimitedAsGeneration()
            .DisableHttpMetrics()
            .RefusesInvalid()
            .Takes<ChatRequest>()
            .SendsOnce(
                "The same at the reader's pace: a slow reader pauses the provider.",
                ("content", typeof(PacedContent)),
                ("error", typeof(StreamError))
            );
        app.MapGenerations();
        app.MapModels();
        app.MapPost(
                VendorPaths.ChatCompletions,
                (HttpContext context, ChatCompletionsApi face) => face.AnswerAsync(context)
            )
            .Publishes(Topic)
            .LimitedAsGeneration()
            .RefusesAs(OpenAiError.RefuseAsync)
            .WithTags("OpenAI")
            .DisableHttpMetrics()
            .Body(typeof(ChatCompletionRequest))
            .Answers(
                typeof(ChatCompletion),
                typeof(ChatCompletionError),
                "The frames have no names; the last is `[DONE]`. While the model is silent, a comment comes every ten seconds.",
                ("chat.completion.chunk", typeof(ChatCompletionChunk)),
                ("error", typeof(ChatCompletionError))
            );
        app.MapPost(VendorPaths.Messages, (HttpContext context, MessagesApi face) => face.AnswerAsync(context))
            .Publishes(Topic)
            .LimitedAsGeneration()
            .RefusesAs(AnthropicError.RefuseAsync)
            .WithTags("Anthropic")
            .DisableHttpMetrics()
            .Body(typeof(MessageRequest))
            .Answers(
                typeof(MessageAnswer),
                typeof(MessageError),
                "While the model is silent, a `ping` comes every ten seconds.",
                ("message_start", typeof(MessageStart)),
                ("ping", typeof(MessagePing)),
                ("content_block_start", typeof(MessageBlockStart)),
                ("content_block_delta", typeof(MessageBlockDelta)),
                ("content_block_stop", typeof(MessageBlockStop)),
                ("message_delta", typeof(MessageDelta)),
                ("message_stop", typeof(MessageStop)),
                ("error", typeof(MessageError))
            );
        app.MapPost(VendorPaths.CountTokens, (HttpContext context, MessagesApi face) => face.CountAsync(context))
            .Publishes(Topic)
            .LimitedAsPublish()
            .RefusesAs(AnthropicError.RefuseAsync)
            .WithTags("Anthropic")
            .Body(typeof(MessageCountRequest))
            .Answers(typeof(MessageCount), typeof(MessageError));
        app.MapVendorPaths(Topic);
        app.MapAgents();
    }
}

/// <summary>What a chat is asked with; <c>max_tokens</c> sets the demo model's length.</summary>
internal sealed record ChatRequest(
    IReadOnlyList<ChatRequestMessage> Messages,
    string? Model,
    string? Provider,
    [property: JsonPropertyName("max_tokens")] int? MaxTokens
);

internal sealed record ChatContent(string Content);

internal sealed record PacedContent(
    string Content,
    [property: JsonPropertyName("buffer_size")] int BufferSize,
    bool Paused
);
