using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>
/// Options of a call, with those that only this gateway reads. A clone, as a keyed client gets it, has none of them.
/// </summary>
internal sealed class CallOptions : ChatOptions
{
    /// <summary>The client, for its share of a provider's places; calls without one share a key.</summary>
    public ClientKey Client { get; set; } = new("", "");

    /// <summary>The callback for delays, called while the caller awaits the next update.</summary>
    public Action<DelayNotice>? OnDelay { get; set; }

    /// <summary>
    /// The request's body, if the client uses the provider's own API; else null. The provider gets it whole, including
    /// members that the abstraction does not know, and each update has its frame, a
    /// <see cref="System.Text.Json.Nodes.JsonObject"/>, as raw representation.
    /// </summary>
    public JsonElement? NativeBody { get; set; }

    /// <summary>True if the answer must have the schema of <see cref="ChatOptions.ResponseFormat"/>, false if it
    /// should.</summary>
    public bool HasStrictSchema { get; set; }

    /// <summary>The request's <c>anthropic-beta</c> header.</summary>
    public string? AnthropicBeta { get; set; }
}
