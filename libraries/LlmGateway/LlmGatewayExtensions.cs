using LlmGateway.Agents;
using LlmGateway.Chat;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using LlmGateway.VendorApis;
using LlmGateway.VendorApis.ChatCompletions;
using LlmGateway.VendorApis.Messages;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Admission;

namespace LlmGateway;

/// <summary>
/// Adds the LLM gateway: model providers, chat, generations, the vendors' APIs and agents, and the runs beneath them.
/// </summary>
internal static class LlmGatewayExtensions
{
    public static void AddLlmGateway(this WebApplicationBuilder builder)
    {
        // The contract's name of Runs:DrainSeconds, which wins because it is read after this one.
        builder
            .Services.AddOptions<RunOptions>()
            .Configure<IConfiguration>(
                (runs, settings) => runs.DrainSeconds = settings.GetValue("Llm:DrainSeconds", runs.DrainSeconds)
            );
        builder.Services.AddRuns();
        builder.Services.AddOptions<LlmOptions>().BindConfiguration("Llm").ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<LlmOptions>, ValidateLlmOptions>();
        builder
            .Services.AddOptions<GenerationLimit>()
            .BindConfiguration("Limits")
            .ValidateDataAnnotations()
            .PostConfigure<IHostEnvironment>((limit, e) => limit.Complete(e.IsDevelopment()))
            .ValidateOnStart();

        builder
            .Services.AddOptions<AdmissionOptions>()
            .Configure<IOptions<LlmOptions>>(
                (admission, llm) => admission.OutgoingConnections += llm.Value.Providers.MaxConnections()
            );
        builder.Services.AddSingleton<RunStates>();
        builder.AddProviders();
        builder.AddChat();
        builder.AddGenerations();
        builder.Services.AddSingleton<VendorHandler>();
        builder.AddAgents();
    }

    public static void MapLlmGateway(this IEndpointRouteBuilder app)
    {
        app.MapChat();
        app.MapGenerations();
        app.MapChatCompletions();
        app.MapMessages();
        app.MapModels();
        app.MapVendorPaths();
        app.MapAgents();
    }
}
