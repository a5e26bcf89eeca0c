using EventStore;
using LlmGateway;
using LlmGateway.Agents;
using LlmGateway.Chat;
using LlmGateway.Dialects;
using LlmGateway.Dialects.AgUi;
using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;
using LlmGateway.Dialects.Paths;
using LlmGateway.Dialects.Responses;
using LlmGateway.Dialects.UiMessages;
using Microsoft.Extensions.Options;
using Streaming.Endpoints;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds the LLM gateway: model providers, chat, generations, the vendors' APIs and agents, and the runs
/// beneath them.</summary>
/// <remarks>Needed at startup by an application that serves the LLM gateway.</remarks>
public static class LlmGatewayExtensions
{
    /// <summary>Adds the gateway's services, with settings in the section <c>AspireSse:Llm</c>. The event log and the
    /// streams must have been added before.</summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="configure">Gives the agents instructions and tools. If that needs services, use
    /// <c>Services.AddOptions&lt;LlmGatewayOptions&gt;().Configure(…)</c> instead.</param>
    /// <exception cref="InvalidOperationException">The event log or the streams are missing, the log is in memory, or
    /// the gateway was added already.</exception>
    public static WebApplicationBuilder AddLlmGateway(
        this WebApplicationBuilder builder,
        Action<LlmGatewayOptions>? configure = null
    )
    {
        if (builder.Services.Any(service => service.ServiceType == typeof(VendorHandler)))
            throw new InvalidOperationException(
                "The application has the gateway already: call AddLlmGateway once, with all that its agents get."
            );

        builder.AddSseRuns();
        // The endpoints authorize their topics by policies of their own.
        builder.Services.AddAuthorization();

        builder
            .Services.AddOptions<LlmOptions>()
            .BindConfiguration(LlmOptions.Section)
            .PostConfigure<IHostEnvironment>((options, e) => options.Complete(e.IsDevelopment()))
            .ValidateOnStart();
        builder.Services.AddKnownSettings<LlmOptions>("Llm");
        builder.Services.AddSingleton<IValidateOptions<LlmOptions>, ValidateLlmOptions>();
        builder
            .Services.AddOptions<AdmissionOptions>()
            .Configure<IOptions<LlmOptions>>(
                (admission, llm) => admission.OutgoingConnections += llm.Value.Providers.MaxConnections()
            );
        GatewayJson.AddToRuns();
        builder.Services.AddSingleton<RunStateAnswers>();
        builder.AddProviders();
        builder.AddChat();
        builder.AddGenerations();
        builder.Services.AddSingleton<VendorHandler>();
        // The first writer that can write is used, so this one precedes the writer for problem details, which always
        // can.
        builder.Services.Insert(0, ServiceDescriptor.Singleton<IProblemDetailsWriter, VendorPaths>());
        builder.AddAgents();
        if (configure is not null)
            builder.Services.Configure(configure);

        return builder;
    }

    /// <summary>Maps the gateway's endpoints: <c>/v1/generations</c>, the vendors' <c>/v1/chat/completions</c>,
    /// <c>/v1/responses</c>, <c>/v1/messages</c> and <c>/v1/models</c>, agents' sessions, and answers that end with
    /// their request. A policy on the result applies to all of them.</summary>
    /// <remarks>A generation or session belongs to the user who began it; other users get 403. If nobody signs in, its
    /// id is the right to read it.</remarks>
    /// <exception cref="InvalidOperationException"><see cref="AddLlmGateway"/> was not called.</exception>
    public static RouteGroupBuilder MapLlmGateway(this IEndpointRouteBuilder app)
    {
        if (app.ServiceProvider.GetService<VendorHandler>() is null)
            throw new InvalidOperationException(
                "The application has no gateway: call AddLlmGateway(…) on its builder."
            );

        var gateway = app.MapGroup("").RefusesCrossSite().RefusesErrors().MarkAsApi();
        gateway.MapChat();
        gateway.MapGenerations(
            (context, id) =>
                RunFormat.OfQuery(context.Request, id) is { } format
                    ? () => format.OpenAsync(context, $"generations.{id}")
                    : null
        );
        gateway.MapChatCompletions();
        gateway.MapMessages();
        gateway.MapResponses();
        gateway.MapUiMessages();
        gateway.MapAgUi();
        gateway.MapModels();
        VendorPaths.Map(gateway);
        gateway.MapAgents();

        return gateway;
    }
}
