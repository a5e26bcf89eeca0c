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
/// <param name="configuration">Has the settings.</param>
/// <param name="logger">Logs what is left out.</param>
internal sealed partial class KeyedProviders(
    IServiceCollection registered,
    IServiceProvider services,
    IOptionsMonitor<ProviderOptions> options,
    TimeProvider clock,
    IConfiguration configuration,
    ILogger<KeyedProviders> logger
)
{
    /// <summary>Creates the clients. One that can be no provider is left out, since an application has it for reasons
    /// of its own; unless it has settings of a provider.</summary>
    /// <param name="taken">Names of the other providers.</param>
    /// <exception cref="OptionsValidationException">One with settings can be no provider, or they are
    /// invalid.</exception>
    public IEnumerable<(string Name, ProviderOptions Options, IChatClient Client)> Create(IReadOnlyList<string> taken)
    {
        var names = new HashSet<string>(taken, StringComparer.OrdinalIgnoreCase);
        foreach (var name in Keys(registered))
        {
            IChatClient client;
            string? model;
            try
            {
                (client, model) = ClientOf(name, names);
            }
            catch (Exception e)
            {
                var reason = $"The chat client '{name}' cannot be a model provider. {e.Message}";
                if (
                    configuration.GetSection($"AspireSse:Llm:Providers:{name}").Exists()
                    && !taken.Contains(name, StringComparer.OrdinalIgnoreCase)
                )
                    throw new OptionsValidationException(name, typeof(ProviderOptions), [reason]);

                logger.LogWarning("{Reason}", reason);
                continue;
            }

            var limits = options.Get(name);
            if (limits.Models.Count == 0 && model is not null)
                limits.Models.Add(model);

            yield return (name, limits, new KeyedChatClient(client, name, limits, clock));
        }
    }

    /// <summary>Returns a client and its model.</summary>
    /// <exception cref="Exception">The key is no name, or the application's own code failed.</exception>
    private (IChatClient Client, string? Model) ClientOf(string name, HashSet<string> names)
    {
        if (!Name().IsMatch(name))
            throw new ArgumentException("A key has 1 to 64 letters, digits, points, hyphens and underscores.");
        if (!names.Add(name))
            throw new ArgumentException("Another provider has this name. Register the client under another key.");

        var client = services.GetRequiredKeyedService<IChatClient>(name);
        return (client, client.GetService<ChatClientMetadata>()?.DefaultModelId);
    }

    /// <summary>The keys of chat clients. A key that is no text, as of a factory for any key, is no name.</summary>
    public static IEnumerable<string> Keys(IServiceCollection registered) =>
        registered
            .Where(service => service.IsKeyedService && service.ServiceType == typeof(IChatClient))
            .Select(service => service.ServiceKey)
            .OfType<string>()
            .Distinct();

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z")]
    private static partial Regex Name();
}
