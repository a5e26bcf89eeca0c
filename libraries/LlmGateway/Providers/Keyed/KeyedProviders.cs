using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace LlmGateway.Providers.Keyed;

/// <summary>
/// The chat clients that the host has registered under a key; each is a provider with that name:
/// <code>
/// builder.Services.AddKeyedSingleton&lt;IChatClient&gt;("ollama", new OllamaApiClient(address, "llama3.2"));
/// </code>
/// </summary>
/// <param name="registered">The host's registrations. They are read when the host is built, so their order does not
/// matter.</param>
/// <param name="services">Creates the clients, and disposes of them.</param>
/// <param name="options">The options of a provider, by name.</param>
/// <param name="clock">Measures the silences.</param>
internal sealed partial class KeyedProviders(
    IServiceCollection registered,
    IServiceProvider services,
    IOptionsMonitor<ProviderOptions> options,
    TimeProvider clock
)
{
    /// <summary>Creates the clients.</summary>
    /// <param name="taken">Names of the other providers.</param>
    /// <exception cref="OptionsValidationException">A key is the name of another provider, or no name; or the options
    /// of a provider are invalid.</exception>
    public IEnumerable<(string Name, ProviderOptions Options, IChatClient Client)> Create(IEnumerable<string> taken)
    {
        var names = new HashSet<string>(taken, StringComparer.OrdinalIgnoreCase);
        foreach (var name in Keys(registered))
        {
            if (!Name().IsMatch(name))
                throw Refusal(name, "A key has 1 to 64 letters, digits, points, hyphens and underscores.");
            if (!names.Add(name))
                throw Refusal(name, "Another provider has this name. Register the client under another key.");

            var client = services.GetRequiredKeyedService<IChatClient>(name);
            var limits = options.Get(name);
            if (limits.Models.Count == 0 && client.GetService<ChatClientMetadata>()?.DefaultModelId is { } model)
                limits.Models.Add(model);

            yield return (name, limits, new KeyedChatClient(client, name, limits, clock));
        }
    }

    /// <summary>The keys of chat clients. A key that is no text, as of a factory for any key, is no name.</summary>
    public static IEnumerable<string> Keys(IServiceCollection registered) =>
        registered
            .Where(service => service.IsKeyedService && service.ServiceType == typeof(IChatClient))
            .Select(service => service.ServiceKey)
            .OfType<string>()
            .Distinct();

    private static OptionsValidationException Refusal(string name, string reason) =>
        new(name, typeof(ProviderOptions), [$"The chat client '{name}' cannot be a model provider. {reason}"]);

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z")]
    private static partial Regex Name();
}
