using Adopter.Showing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Adopter.Gateway;

/// <summary>Chat clients that the application has under a key for reasons of its own.</summary>
public sealed class KeyedClientTests
{
    private static readonly Dictionary<string, Action<IServiceCollection>> Clients = new()
    {
        ["openai"] = services => services.AddKeyedSingleton<IChatClient>("openai", new Model()),
        ["my model"] = services => services.AddKeyedSingleton<IChatClient>("my model", new Model()),
        ["chat/summary"] = services => services.AddKeyedSingleton<IChatClient>("chat/summary", new Model()),
        ["broken"] = services =>
            services.AddKeyedSingleton<IChatClient>(
                "broken",
                (_, _) => throw new InvalidOperationException("No address is set.")
            ),
        ["secretive"] = services => services.AddKeyedSingleton<IChatClient>("secretive", new Model(isSecretive: true)),
        ["of-a-request"] = services => services.AddKeyedScoped<IChatClient>("of-a-request", (_, _) => new Model()),
    };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Clients.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task One_that_can_be_no_provider_is_left_out_and_the_log_says_why(string key)
    {
        await using var app = await StartAsync(Clients[key]);

        var models = await app.Client.GetStringAsync("/v1/models", Stop);
        Assert.Contains("\"own-model\"", models, StringComparison.Ordinal);
        Assert.DoesNotContain($"\"{key}\"", models, StringComparison.Ordinal);
        Assert.Single(app.Lines, line => line.Text.Contains($"'{key}'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_whose_settings_the_application_has_fails_at_the_start()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() =>
            StartAsync(Clients["broken"], "--AspireSse:Llm:Providers:broken:Models:0", "one")
        );
        Assert.Contains("No address is set.", error.Message, StringComparison.Ordinal);
    }

    private static async Task<SmallApp> StartAsync(Action<IServiceCollection> add, params string[] settings) =>
        await SmallApp.StartAsync(
            app => app.MapLlmGateway().AllowAnonymous(),
            builder =>
            {
                // As in Development.
                builder.Host.UseDefaultServiceProvider(services => services.ValidateScopes = true);
                builder.AddLlmGateway();
                builder.Services.AddKeyedSingleton<IChatClient>("own", new Model());
                add(builder.Services);
            },
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            settings
        );

    private sealed class Model(bool isSecretive = false) : IChatClient
    {
        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => AsyncEnumerable.Empty<ChatResponseUpdate>();

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => Task.FromResult(new ChatResponse());

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            isSecretive ? throw new NotSupportedException("Ask nothing.")
            : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("own", defaultModelId: "own-model")
            : null;

        public void Dispose() { }
    }
}
