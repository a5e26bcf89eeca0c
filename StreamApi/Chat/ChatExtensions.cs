using Microsoft.Extensions.Options;
using StreamApi.Chat.Anthropic;
using StreamApi.Chat.Generations;
using StreamApi.Chat.OpenAi;
using StreamApi.Chat.PerRequest;
using StreamApi.Chat.Providers;
using StreamApi.Chat.Telemetry;

namespace StreamApi.Chat;

/// <summary>The LLM gateway: providers, per-request chat, generations that survive, the vendors' own faces.</summary>
internal static class ChatExtensions
{
    public static void AddChat(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<LlmOptions>().BindConfiguration("Llm").ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<LlmOptions>, ValidateLlmOptions>();
        builder.Services.AddSingleton<IPostConfigureOptions<LlmOptions>, VendorNames>();
        builder.Services.AddSingleton<ChatMetrics>();
        builder.Services.AddSingleton<ChatProviders>();
        builder.Services.AddSingleton<ChatEndpoint>();
        builder.Services.AddSingleton<Generator>();
        builder.Services.AddSingleton<OpenAiFace>();
        builder.Services.AddSingleton<AnthropicFace>();
    }

    public static void MapChat(this IEndpointRouteBuilder app)
    {
        var chat = app.MapGroup("/sse").WithTags("Chat");
        chat.MapPost("/chat", (HttpContext context, ChatEndpoint endpoint) => endpoint.PlainAsync(context)).DisableHttpMetrics();
        chat.MapPost("/backpressure-chat", (HttpContext context, ChatEndpoint endpoint) => endpoint.PacedAsync(context)).DisableHttpMetrics();
        app.MapGenerations();
        app.MapModels();
        app.MapPost("/v1/chat/completions", (HttpContext context, OpenAiFace face) => face.AnswerAsync(context)).WithTags("OpenAI").DisableHttpMetrics();
        app.MapPost("/v1/messages", (HttpContext context, AnthropicFace face) => face.AnswerAsync(context)).WithTags("Anthropic").DisableHttpMetrics();
    }
}
