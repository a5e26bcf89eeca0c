using System.Net;
using System.Text;
using Adopter.Showing;
using Harness;
using Microsoft.Extensions.AI;

namespace Adopter.Gateway;

/// <summary>Text that no table, no UTF-8 or no path takes, in every text of the gateway's requests: it is served, or
/// refused to its sender, and never taken for an outage, which clients would wait for.</summary>
public sealed class AnyTextTests : IAsyncLifetime
{
    private static readonly string[] Texts = ["\\u0000", "a\\u0000b", "\\ud800", "\\udc00\\ud800", "\\n", ""];

    private static readonly (string Path, string Body)[] Requests =
    [
        (
            "/v1/generations",
            """{"model":"?","provider":"own","messages":[{"role":"user","content":"?"}],"max_tokens":5}"""
        ),
        ("/v1/chat/completions", """{"model":"own/?","messages":[{"role":"user","content":"?"}],"user":"?"}"""),
        (
            "/v1/messages",
            """{"model":"own/?","max_tokens":5,"system":"?","messages":[{"role":"user","content":"?"}]}"""
        ),
        (
            "/v1/responses",
            """{"model":"own/?","input":"?","instructions":"?","metadata":{"?":"?"},"previous_response_id":"?"}"""
        ),
        (
            "/api/chat",
            """
            {"id":"?","provider":"own","model":"?",
            "messages":[{"id":"?","role":"user","parts":[{"type":"text","text":"?"}]}]}
            """
        ),
        (
            "/agents/ag-ui",
            """
            {"threadId":"?","runId":"?","messages":[{"id":"?","role":"user","content":"?"}],
            "forwardedProps":{"provider":"own","model":"?"}}
            """
        ),
        ("/session", """{"provider":"own","model":"?"}"""),
        ("/sse/chat", """{"messages":[{"role":"user","content":"?"}],"provider":"own","model":"?"}"""),
        ("/stream-tickets", """{"topics":["?"]}"""),
    ];

    private static readonly string[] Paths =
    [
        "/v1/generations/…",
        "/v1/generations/…/stream",
        "/v1/responses/…",
        "/v1/responses/…/input_items",
        "/api/chat/…/stream",
        "/session/…",
        "/stream/…",
        "/stream?prompt=…&provider=own&model=…",
        "/stream?prompt=Hello&last_event_id=…",
        "/orders/…/events",
        "/orders/7/events?ticket=…",
        "/orders/7/events?last_event_id=…",
    ];

    private SmallApp _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _app = await SmallApp.StartAsync(
            app =>
            {
                app.MapLlmGateway().AllowAnonymous();
                app.MapSseTickets().AllowAnonymous();
                app.MapGet("/orders/{id}/events", (string id) => TypedResults.EventStream($"orders.{id}"))
                    .AllowAnonymous();
            },
            builder =>
            {
                builder.AddLlmGateway();
                builder.Services.AddKeyedSingleton<IChatClient>(
                    "own",
                    new ScriptedChatClient(AnswerAsync, "own-model")
                );
            },
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString
        );

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await Task.Yield();
        yield return new ChatResponseUpdate(ChatRole.Assistant, $"You asked: {messages.Last().Text}");
    }

    [Fact]
    public async Task Each_text_of_a_body_is_taken_or_refused()
    {
        var wrong = new List<string>();
        foreach (var (path, body) in Requests)
        foreach (var text in Texts)
            for (var place = body.IndexOf('?'); place >= 0; place = body.IndexOf('?', place + 1))
            {
                var sent = (body[..place] + text + body[(place + 1)..]).Replace("?", "fine", StringComparison.Ordinal);
                using var content = new StringContent(sent, Encoding.UTF8, "application/json");
                using var answer = await _app.Client.PostAsync(path, content, Stop);
                var said = await answer.Content.ReadAsStringAsync(Stop);
                if ((int)answer.StatusCode >= 500 || said.Contains("fatal", StringComparison.Ordinal))
                    wrong.Add($"{(int)answer.StatusCode} {path} {sent}: {said}");
                else if (answer.StatusCode == HttpStatusCode.Created)
                    await CheckAsync(answer.Headers.Location!, wrong);
            }

        Assert.Empty(wrong);
        Assert.DoesNotContain(_app.Lines, line => line.Level >= LogLevel.Error);
    }

    /// <summary>Text that was taken can be read.</summary>
    private async Task CheckAsync(Uri location, List<string> wrong)
    {
        using var read = await _app.Client.GetAsync(location, Stop);
        if (read.StatusCode != HttpStatusCode.OK)
            wrong.Add($"{(int)read.StatusCode} {location}: {await read.Content.ReadAsStringAsync(Stop)}");
        using var streamed = await _app.Client.GetAsync($"{location}/stream", Stop);
        var text = await streamed.Content.ReadAsStringAsync(Stop);
        if (!text.Contains("event: done", StringComparison.Ordinal))
            wrong.Add($"{(int)streamed.StatusCode} {location}/stream: {text}");
    }

    [Fact]
    public async Task Each_text_of_a_path_is_taken_or_refused()
    {
        var wrong = new List<string>();
        foreach (var path in Paths)
        foreach (var text in (string[])["%00", "a%00b", "%ED%A0%80", "%0A", "~", new('9', 40), "a-9223372036854775808"])
        {
            var address = path.Replace("…", text, StringComparison.Ordinal);
            using var answer = await _app.Client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, Stop);
            if ((int)answer.StatusCode >= 500)
                wrong.Add($"{(int)answer.StatusCode} {address}: {await answer.Content.ReadAsStringAsync(Stop)}");
        }

        Assert.Empty(wrong);
        Assert.DoesNotContain(_app.Lines, line => line.Level >= LogLevel.Error);
    }
}
