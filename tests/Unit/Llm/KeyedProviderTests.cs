using System.Net;
using System.Runtime.CompilerServices;
using Harness;
using LlmGateway;
using LlmGateway.Providers;
using LlmGateway.Providers.Keyed;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Unit.Llm;

/// <summary>Chat clients that a host has registered under a key.</summary>
public sealed class KeyedProviderTests
{
    private const string Secret = "sk-very-secret";

    private readonly ManualTime _time = new();

    [Theory]
    [InlineData("openai")]
    [InlineData("Demo")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData("name\n")]
    public async Task A_key_that_is_no_name_of_its_own_is_no_providers(string key)
    {
        await using var app = Host(services =>
            services.AddKeyedSingleton<IChatClient>(key, new ScriptedChatClient(Say))
        );
        var models = app.Services.GetRequiredService<ChatProviders>().Models;
        Assert.DoesNotContain(models, model => model.Provider == key);
    }

    [Fact]
    public async Task Its_options_are_checked_at_the_start()
    {
        await using var app = Host(
            services => services.AddKeyedSingleton<IChatClient>("mine", new ScriptedChatClient(Say)),
            "--AspireSse:Llm:Providers:mine:MaxConcurrent=0"
        );
        var refusal = Assert.Throws<OptionsValidationException>(() => app.Services.GetRequiredService<ChatProviders>());
        Assert.Contains("MaxConcurrent", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("its-own", "its-own")]
    [InlineData("its-own", "configured", "--AspireSse:Llm:Providers:mine:Models:0=configured")]
    public async Task A_request_without_a_model_gets_the_first_configured_one_or_the_clients_own(
        string own,
        string expected,
        params string[] settings
    )
    {
        await using var app = Host(
            services => services.AddKeyedSingleton<IChatClient>("mine", new ScriptedChatClient(Say, own)),
            [.. settings, "--AspireSse:Llm:DefaultProvider=mine"]
        );
        var providers = app.Services.GetRequiredService<ChatProviders>();
        Assert.Equal(("mine", expected), Named(providers.Resolve(null, null)));
        Assert.Equal(("mine", expected), Named(providers.Resolve(null, expected)));
        Assert.Equal(("mine", "another"), Named(providers.Resolve("MINE", "another")));
        Assert.Contains((expected, "mine"), providers.Models);
    }

    [Fact]
    public async Task Chat_clients_without_a_key_or_with_one_that_is_no_text_are_no_providers()
    {
        await using var app = Host(services =>
            services
                .AddSingleton<IChatClient>(_ => throw new InvalidOperationException())
                .AddKeyedSingleton<IChatClient>(7, (_, _) => throw new InvalidOperationException())
                .AddKeyedSingleton<IChatClient>(KeyedService.AnyKey, (_, _) => throw new InvalidOperationException())
        );
        var providers = app.Services.GetRequiredService<ChatProviders>();
        Assert.Equal(["demo"], providers.Models.Select(m => m.Provider));
    }

    [Theory]
    [InlineData(0, 29)]
    [InlineData(1, 9)]
    public async Task A_client_that_is_silent_for_too_long_is_left_even_if_it_ignores_its_cancellation(
        int tokens,
        int seconds
    )
    {
        using var client = Keyed((_, _, _) => Deaf(tokens));
        var reading = ReadAsync(client);
        Assert.Equal([TimeSpan.FromSeconds(seconds + 1)], _time.Delays);
        _time.Advance(TimeSpan.FromSeconds(seconds));
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        var failure = await Assert.ThrowsAsync<UpstreamException>(() => reading);
        Assert.Equal((504, "timeout", true), (failure.Status, failure.Reason, failure.IsStall));
    }

    [Fact]
    public async Task A_cancelled_request_ends_even_if_its_client_ignores_the_cancellation()
    {
        using var gone = new CancellationTokenSource();
        using var client = Keyed((_, _, _) => Deaf(0));
        var reading = ReadAsync(client, cancellationToken: gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_is_cancelled()
    {
        var stopped = new TaskCompletionSource<int>();
        using var client = Keyed((_, _, token) => Endless(stopped, token));
        var failure = await Assert.ThrowsAsync<UpstreamException>(() => ReadAsync(client));
        Assert.Equal((502, "too_large", false), (failure.Status, failure.Reason, failure.MayRetry));
        // 64 KiB, at 3,000 bytes each.
        Assert.Equal(22, await stopped.Task.WaitAsync(TestContext.Current.CancellationToken));
    }

    public static TheoryData<Exception, int, string> Failures =>
        new()
        {
            { new HttpRequestException(Secret, null, HttpStatusCode.TooManyRequests), 429, "rate_limited" },
            { new HttpRequestException(Secret, null, HttpStatusCode.Unauthorized), 502, "credentials" },
            { new HttpRequestException(Secret), 502, "upstream" },
            { new IOException(Secret), 502, "upstream" },
            { new TaskCanceledException(Secret, new TimeoutException()), 504, "timeout" },
            { new VendorException(400), 400, "upstream" },
            { new AggregateException(Secret, new VendorException(529)), 503, "overloaded" },
        };

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task A_failure_has_the_status_of_the_same_refusal_by_another_provider_and_not_its_message(
        Exception thrown,
        int status,
        string reason
    )
    {
        using var client = Keyed((_, _, _) => throw thrown);
        var failure = await Assert.ThrowsAsync<UpstreamException>(() => ReadAsync(client));
        Assert.Equal((status, reason), (failure.Status, failure.Reason));
        Assert.DoesNotContain(Secret, failure.Message, StringComparison.Ordinal);
    }

    public static TheoryData<AIContent, int, string> FailedContents =>
        new()
        {
            { new ErrorContent(Secret), 502, "upstream" },
            {
                new ErrorContent(Secret) { ErrorCode = "rate_limit_exceeded" },
                429,
                "rate_limited"
            },
            {
                new ErrorContent(Secret) { ErrorCode = "503" },
                503,
                "overloaded"
            },
            {
                new ErrorContent(Secret) { ErrorCode = "context_length_exceeded" },
                400,
                "context_length_exceeded"
            },
            { new AIContent(), 502, "upstream" }, // nothing that a client could show
            { new FunctionCallContent("a", "f"), 502, "upstream" }, // no arguments
            { new UsageContent(new UsageDetails()), 502, "upstream" }, // no answer
        };

    [Theory]
    [MemberData(nameof(FailedContents), DisableDiscoveryEnumeration = true)]
    public async Task A_failure_that_a_client_sends_as_content_is_a_failure_without_its_message(
        AIContent content,
        int status,
        string reason
    )
    {
        using var client = Keyed((_, _, _) => Updates(new ChatResponseUpdate(ChatRole.Assistant, [content])));
        var failure = await Assert.ThrowsAsync<UpstreamException>(() => ReadAsync(client));
        Assert.Equal((status, reason), (failure.Status, failure.Reason));
        Assert.DoesNotContain(Secret, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_have_ids_of_their_own_and_arguments_that_were_sent()
    {
        var none = AIFunctionFactory.Create(() => 1, "none");
        FunctionCallContent[] calls =
        [
            new("", "f", new Dictionary<string, object?> { ["x"] = 1 }),
            new("", "f", new Dictionary<string, object?> { ["x"] = 1 }),
            new("a", "none"),
            new("b", "f") { Exception = new FormatException() },
        ];
        using var client = Keyed(
            (_, _, _) =>
                Updates(new ChatResponseUpdate(ChatRole.Assistant, [.. calls]) { FinishReason = ChatFinishReason.Stop })
        );
        var answer = await client.GetResponseAsync("x", new CallOptions { Tools = [none], AnswersBrokenCalls = true });
        var read = answer.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>().ToList();

        Assert.Equal(ChatFinishReason.ToolCalls, answer.FinishReason);
        Assert.Equal(4, read.DistinctBy(call => call.CallId).Count(call => call.CallId.Length > 0));
        Assert.Equal(["{\"x\":1}", "{\"x\":1}", "{}"], read.Take(3).Select(ToolCalls.Arguments));
        // The client has lost the text, so nobody can run it.
        Assert.Null(read[3].Arguments);
    }

    [Fact]
    public async Task A_call_that_the_client_has_answered_itself_is_nobody_elses()
    {
        var none = new Dictionary<string, object?>();
        using var client = Keyed(
            (_, _, _) =>
                Updates(
                    new ChatResponseUpdate(ChatRole.Assistant, [new FunctionCallContent("a", "its-own", none)]),
                    new ChatResponseUpdate(ChatRole.Tool, [new FunctionResultContent("a", "7")]),
                    new ChatResponseUpdate(ChatRole.Assistant, "It is 7.")
                )
        );
        var answer = await client.GetResponseAsync("x");
        Assert.Equal((ChatFinishReason.Stop, "It is 7."), (answer.FinishReason, answer.Text));
        Assert.DoesNotContain(answer.Messages.SelectMany(m => m.Contents), c => c is FunctionCallContent);
    }

    [Theory]
    [InlineData("end_turn", "stop")]
    [InlineData("max_tokens", "length")]
    [InlineData("exploded", null)]
    public async Task Its_reason_of_the_end_is_a_known_one(string reason, string? expected)
    {
        using var client = Keyed(
            (_, _, _) => Updates(new ChatResponseUpdate(ChatRole.Assistant, "x") { FinishReason = new(reason) })
        );
        if (expected is null)
            await Assert.ThrowsAsync<UpstreamException>(() => ReadAsync(client));
        else
            Assert.Equal(expected, (await client.GetResponseAsync("x")).FinishReason?.Value);
    }

    [Fact]
    public async Task A_refusal_that_a_client_sends_as_an_error_is_text()
    {
        using var client = Keyed(
            (_, _, _) =>
                Updates(new ChatResponseUpdate(ChatRole.Assistant, [new ErrorContent("No.") { ErrorCode = "Refusal" }]))
        );
        Assert.Equal("No.", await ReadAsync(client));
    }

    [Fact]
    public async Task A_character_that_a_client_cuts_between_two_updates_comes_whole()
    {
        using var client = Keyed(
            (_, _, _) => Updates(new(ChatRole.Assistant, "A \ud83d"), new(ChatRole.Assistant, "\ude80 B"))
        );
        var texts = client
            .GetStreamingResponseAsync("x", cancellationToken: TestContext.Current.CancellationToken)
            .Select(update => update.Text)
            .Where(text => text.Length > 0);
        Assert.Equal(["A ", "🚀 B"], await texts.ToListAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_fault_of_another_kind_is_left_to_the_log()
    {
        using var client = Keyed((_, _, _) => throw new InvalidOperationException(Secret));
        await Assert.ThrowsAsync<InvalidOperationException>(() => ReadAsync(client));
    }

    [Fact]
    public async Task A_client_gets_neither_this_gateways_own_options_nor_functions_that_it_could_run()
    {
        ChatOptions? seen = null;
        using var client = Keyed(
            (messages, options, token) =>
            {
                seen = options;
                return Say(messages, options, token);
            }
        );

        var chat = new CallOptions
        {
            Client = ClientKey.OfUser("somebody"),
            ModelId = "m",
            Temperature = 0.5f,
            Tools = [AIFunctionFactory.Create(() => 1, "one")],
        };
        await ReadAsync(client, chat);
        Assert.Equal(("m", 0.5f), (seen!.ModelId, seen.Temperature));
        Assert.IsNotType<CallOptions>(seen);
        Assert.Null(seen.AdditionalProperties);
        Assert.Equal("one", Assert.Single(seen.Tools!).Name);
        Assert.IsNotType<AIFunction>(seen.Tools![0], exactMatch: false);
    }

    private static (string, string) Named(ChatTarget target) => (target.Provider, target.Model);

    private static WebApplication Host(Action<IServiceCollection> register, params string[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(settings);
        builder.Services.AddOptions<LlmOptions>().BindConfiguration("AspireSse:Llm");
        builder.Services.AddSingleton(TimeProvider.System);
        builder.AddProviders();
        register(builder.Services);
        return builder.Build();
    }

    private KeyedChatClient Keyed(ChatScript script) =>
        new(
            new ScriptedChatClient(script),
            ProviderAnswers.Provider(
                new ProviderOptions
                {
                    FirstTokenSeconds = 30,
                    IdleSeconds = 10,
                    MaxAnswerBytes = 64 * 1024,
                },
                _time,
                "mine"
            )
        );

    private static async Task<string> ReadAsync(
        KeyedChatClient client,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => (await client.GetResponseAsync("x", options, cancellationToken)).Text;

    private static async IAsyncEnumerable<ChatResponseUpdate> Say(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await Task.Yield();
        yield return new ChatResponseUpdate(ChatRole.Assistant, "said");
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Updates(params ChatResponseUpdate[] updates)
    {
        await Task.Yield();
        foreach (var update in updates)
            yield return update;
    }

    /// <summary>Sends some tokens, and then nothing, whatever is cancelled.</summary>
    private static async IAsyncEnumerable<ChatResponseUpdate> Deaf(int tokens)
    {
        for (var token = 0; token < tokens; token++)
            yield return new ChatResponseUpdate(ChatRole.Assistant, "token");
        await new TaskCompletionSource().Task;
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Endless(
        TaskCompletionSource<int> stopped,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var sent = 0;
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                await Task.Yield();
                sent++;
                yield return new ChatResponseUpdate(ChatRole.Assistant, new string('語', 1_000));
            }
        }
        finally
        {
            stopped.SetResult(sent);
        }
    }

    /// <summary>A failure as the vendors' libraries throw it.</summary>
    private sealed class VendorException(int status) : Exception(Secret)
    {
        public int Status => status;
    }
}
