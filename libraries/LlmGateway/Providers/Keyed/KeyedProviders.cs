using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace LlmGateway.Providers.Keyed;

/// <summary>
/// The chat clients that the host has registered under a key. Each is a provider with the key as its name:
/// <code>
/// builder.Services.AddKeyedSingleton&lt;IChatClient&gt;("ollama", new OllamaApiClient(address, "llama3.2"));
/// </code>
/// </summary>
/// <param name="registered">The host's registrations. They are read when the host is built, so their order does not
/// matter.</param>
/// <param name="services">Creates the clients, and disposes of them.</param>
/// <param name="configuration">Has the settings.</param>
/// <param name="logger">Logs the clients that are left out.</param>
internal sealed partial class KeyedProviders(
    IServiceCollection registered,
    IServiceProvider services,
    IConfiguration configuration,
    ILogger<KeyedProviders> logger
)
{
    /// <summary>Creates the clients. A client that cannot be a provider is left out, because the application may have
    /// it for other purposes.</summary>
    /// <param name="taken">Names of the other providers.</param>
    /// <exception cref="OptionsValidationException">A client that has settings of a provider cannot be one, or the
    /// settings are invalid.</exception>
    public IEnumerable<(string Name, ProviderOptions Options, IChatClient Client)> Create(IReadOnlyList<string> taken)
    {
        var names = new HashSet<string>(taken, StringComparer.OrdinalIgnoreCase);
        foreach (var name in Keys(registered))
        {
            var section = configuration.GetSection(ModelProvider.SectionOf(name));
            IChatClient client;
            string? model;
            try
            {
                (client, model) = ClientOf(name, names);
            }
            catch (Exception e)
            {
                var reason = $"The chat client '{name}' cannot be a model provider. {e.Message}";
                if (section.Exists() && !taken.Contains(name, StringComparer.OrdinalIgnoreCase))
                    throw new OptionsValidationException(name, typeof(ProviderOptions), [reason]);

                logger.LogWarning("{Reason}", reason);
                continue;
            }

            var limits = section.Get<ProviderOptions>() ?? new ProviderOptions();
            if (new ValidateProviderOptions().Validate(name, limits) is { Failed: true, Failures: var failures })
                throw new OptionsValidationException(name, typeof(ProviderOptions), failures);
            if (limits.Models.Count == 0 && model is not null)
                limits.Models.Add(model);

            yield return (name, limits, client);
        }
    }

    /// <summary>Returns a client and its model.</summary>
    /// <exception cref="Exception">The key cannot be a provider's name, or the application's own code
    /// failed.</exception>
    private (IChatClient Client, string? Model) ClientOf(string name, HashSet<string> names)
    {
        if (!Name().IsMatch(name))
            throw new ArgumentException("A key has 1 to 64 letters, digits, points, hyphens and underscores.");
        if (!names.Add(name))
            throw new ArgumentException("Another provider has this name. Register the client under another key.");

        var client = services.GetRequiredKeyedService<IChatClient>(name);
        return (client, client.GetService<ChatClientMetadata>()?.DefaultModelId);
    }

    /// <summary>Returns the keys of chat clients. A key that is not a string, such as that of a factory for any key, is
    /// skipped.</summary>
    public static IEnumerable<string> Keys(IServiceCollection registered) =>
        registered
            .Where(service => service.IsKeyedService && service.ServiceType == typeof(IChatClient))
            .Select(service => service.ServiceKey)
            .OfType<string>()
            .Distinct();

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z")]
    private static partial Regex Name();
}
