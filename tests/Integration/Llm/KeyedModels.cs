using System.Collections.Concurrent;
using Harness;
using Integration.Llm;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

[assembly: HostingStartup(typeof(KeyedModels))]

namespace Integration.Llm;

/// <summary>
/// Registers a chat client in a service as the service starts. Tests register a script for the text of a message; the
/// last such message selects it.
/// </summary>
internal sealed class KeyedModels : IHostingStartup
{
    public const string Provider = "keyed",
        Model = "keyed-model";

    private static readonly ConcurrentDictionary<string, ChatScript> Scripts = new();

    public static Dictionary<string, string> Settings =>
        new()
        {
            ["ASPNETCORE_HOSTINGSTARTUPASSEMBLIES"] = typeof(KeyedModels).Assembly.GetName().Name!,
            [$"AspireSse__Llm__Providers__{Provider}__FirstTokenSeconds"] = "4",
            [$"AspireSse__Llm__Providers__{Provider}__IdleSeconds"] = "4",
            [$"AspireSse__Llm__Providers__{Provider}__MaxAnswerBytes"] = "200000",
        };

    /// <summary>Registers a script and returns its unique prompt, so that tests can share the services.</summary>
    public static string On(ChatScript script)
    {
        var prompt = $"prompt {Guid.NewGuid():N}";
        Scripts[prompt] = script;
        return prompt;
    }

    public void Configure(IWebHostBuilder builder) =>
        builder.ConfigureServices(services =>
            services.AddKeyedSingleton<IChatClient>(Provider, (_, _) => new ScriptedChatClient(Answer, Model))
        );

    private static IAsyncEnumerable<ChatResponseUpdate> Answer(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        CancellationToken cancellationToken
    )
    {
        var all = messages.ToList();
        var prompt = all.Last(message => Scripts.ContainsKey(message.Text)).Text;
        return Scripts[prompt](all, options, cancellationToken);
    }
}
