using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>A model and the provider that serves it.</summary>
/// <param name="MayContinue">True if the provider may send continuation tokens.</param>
internal sealed record ChatTarget(IChatClient Client, string Provider, string Model, bool MayContinue = false);
