using System.Text.Json.Serialization.Metadata;
using LlmGateway.Agents;
using LlmGateway.Agents.Sessions;
using LlmGateway.Chat;
using LlmGateway.Dialects;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Telemetry;
using Microsoft.Extensions.AI;

namespace LlmGateway;

/// <summary>The types that the gateway writes and reads as JSON without reflection, from the contexts of all
/// features.</summary>
internal static class GatewayJson
{
    public static IJsonTypeInfoResolver Types { get; } =
        JsonTypeInfoResolver.Combine(
            NodeJson.Default,
            ChatJson.Default,
            GenerationJson.Default,
            AgentJson.Default,
            SessionJson.Default,
            ModelJson.Default,
            MessageJson.Default
        );

    /// <summary>Lets runs store these types, and the types that a provider's client may use in the arguments of a
    /// tool.</summary>
    public static void AddToRuns() => RunJson.MoreTypes = All;

    private static IJsonTypeInfoResolver All { get; } =
        JsonTypeInfoResolver.Combine(Types, AIJsonUtilities.DefaultOptions.TypeInfoResolver);
}
