using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Integration.Llm;

/// <summary>
/// A model provider: a real server with both vendors' APIs. Tests register a handler for the text of a message; the
/// last such message selects it.
/// </summary>
internal sealed class FakeUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Func<UpstreamRequest, Task>> _behaviours = new();
    private readonly ConcurrentDictionary<string, int> _attempts = new();

    private FakeUpstream(WebApplication app) => _app = app;

    public Uri Url { get; private set; } = null!;

    public static async Task<FakeUpstream> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder
            .WebHost.UseUrls("http://127.0.0.1:0")
            .ConfigureKestrel(kestrel => kestrel.Limits.MinResponseDataRate = null);

        var app = builder.Build();
        var fake = new FakeUpstream(app);
        app.MapPost("/v1/chat/completions", context => fake.AnswerAsync(context, anthropic: false));
        app.MapPost("/v1/messages", context => fake.AnswerAsync(context, anthropic: true));
        await app.StartAsync();
        fake.Url = new Uri(
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        );

        return fake;
    }

    /// <summary>Registers a handler and returns its unique prompt, so that tests can share the server.</summary>
    public string On(Func<UpstreamRequest, Task> behaviour, int length = 0)
    {
        var prompt = $"prompt {Guid.NewGuid():N}".PadRight(length, 'x');
        _behaviours[prompt] = behaviour;
        return prompt;
    }

    /// <summary>Registers a whole answer.</summary>
    public string Saying(params string[] tokens) => On(request => request.SayAsync(tokens));

    /// <summary>Registers an answer that stops after these tokens, without its end.</summary>
    /// <param name="asked">Completed by the request.</param>
    /// <param name="tokens">None: not even the head of the answer is sent.</param>
    public string Stopping(TaskCompletionSource? asked = null, params string[] tokens) =>
        On(async request =>
        {
            asked?.TrySetResult();
            if (tokens.Length > 0)
                await request.StartAsync();
            foreach (var token in tokens)
                await request.TokenAsync(token);
            await Task.Delay(Timeout.Infinite, request.Gone);
        });

    public int Attempts(string prompt) => _attempts.GetValueOrDefault(prompt);

    private async Task AnswerAsync(HttpContext context, bool anthropic)
    {
        using var document = await JsonDocument.ParseAsync(context.Request.Body);
        var prompt = document
            .RootElement.GetProperty("messages")
            .EnumerateArray()
            .Reverse()
            // A message with calls may have none.
            .SelectMany(m => m.TryGetProperty("content", out var content) ? TextsOf(content).Reverse() : [])
            .First(p => _behaviours.ContainsKey(p!))!;
        var attempt = _attempts.AddOrUpdate(prompt, 1, (_, n) => n + 1);
        try
        {
            await _behaviours[prompt](new UpstreamRequest(context, anthropic, attempt, document.RootElement.Clone()));
        }
        catch (Exception e) when (e is OperationCanceledException or IOException) { }
    }

    private static IEnumerable<string?> TextsOf(JsonElement content) =>
        content.ValueKind != JsonValueKind.Array
            ? [content.ToString()]
            : content
                .EnumerateArray()
                .Select(block => block.TryGetProperty("text", out var text) ? text.GetString() : block.ToString());

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

/// <summary>A request to the fake provider, and responses in the format of its API.</summary>
internal sealed class UpstreamRequest(HttpContext context, bool anthropic, int attempt, JsonElement body)
{
    public int Attempt => attempt;
    public bool Anthropic => anthropic;
    public JsonElement Body => body;
    public HttpContext Context => context;
    public CancellationToken Gone => context.RequestAborted;

    /// <summary>Sends a token every 20 ms and returns when the client is gone.</summary>
    public async Task TokensUntilGoneAsync(string text)
    {
        try
        {
            while (true)
            {
                await TokenAsync(text);
                await Task.Delay(20, Gone);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException) { }
    }

    /// <summary>Sends the head of the response.</summary>
    public Task BeginAsync()
    {
        context.Response.ContentType = "text/event-stream";
        return context.Response.StartAsync(Gone);
    }

    public async Task StartAsync()
    {
        await BeginAsync();
        if (anthropic)
            await EventsAsync(
                """{"type":"message_start","message":{"id":"msg_1","model":"fake","role":"assistant","content":[],"""
                    + """ "usage":{"input_tokens":7,"output_tokens":1}}}""",
                """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"""
            );
    }

    /// <summary>Sends a whole answer.</summary>
    public async Task SayAsync(params string[] tokens)
    {
        await StartAsync();
        foreach (var token in tokens)
            await TokenAsync(token);
        await EndAsync(tokens.Length);
    }

    public string Token(string text)
    {
        var json = JsonSerializer.Serialize(text);
        return anthropic
            ? "event: content_block_delta\n"
                + Data(
                    $$$"""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":{{{json}}}}}"""
                )
            : Data(
                """{"id":"c1","object":"chat.completion.chunk","model":"fake","choices":[{"index":0,"""
                    + $$""" "delta":{"content":{{json}}},"finish_reason":null}]}"""
            );
    }

    public Task TokenAsync(string text) => RawAsync(Token(text));

    public Task EndAsync(int tokens) =>
        anthropic
            ? EventsAsync(
                """{"type":"content_block_stop","index":0}""",
                $$$"""
                {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":{{{tokens}}}}}
                """,
                """{"type":"message_stop"}"""
            )
            : EventsAsync(
                """{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""",
                $$$"""
                {"id":"c1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":{{{tokens}}}}}
                """,
                "[DONE]"
            );

    /// <summary>Sends the data of events, as they are.</summary>
    public async Task EventsAsync(params string[] data)
    {
        if (!context.Response.HasStarted)
            await BeginAsync();
        await RawAsync(string.Concat(data.Select(Data)));
    }

    public async Task RawAsync(string text) => await RawAsync(Encoding.UTF8.GetBytes(text));

    public async Task RawAsync(ReadOnlyMemory<byte> bytes)
    {
        await context.Response.Body.WriteAsync(bytes, Gone);
        await context.Response.Body.FlushAsync(Gone);
    }

    private static string Data(string json) => $"data: {json}\n\n";

    public async Task RefuseAsync(int status, string message, string? retryAfter = null)
    {
        context.Response.StatusCode = status;

        if (retryAfter is not null)
            context.Response.Headers.RetryAfter = retryAfter;

        await context.Response.WriteAsJsonAsync(
            new { type = "error", error = new { type = "some_error", message } },
            Gone
        );
    }
}
