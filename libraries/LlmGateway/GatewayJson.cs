using System.Text.Json.Serialization.Metadata;
using LlmGateway.Agents;
using LlmGateway.Agents.Sessions;
using LlmGateway.Chat;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Telemetry;
using LlmGateway.Dialects;
using Microsoft.Extensions.AI;

namespace LlmGateway;

/// <summary>All that the gateway writes and reads as JSON without reflection: what each feature says of its
/// own.</summary>
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

    /// <summary>Lets runs have these types, and what a provider's client may give as arguments of a tool.</summary>
    public static void AddToRuns() => RunJson.MoreTypes = All;

    private static IJsonTypeInfoResolver All { get; } =
        JsonTypeInfoResolver.Combine(Types, AIJsonUtilities.DefaultOptions.TypeInfoResolver);
}
