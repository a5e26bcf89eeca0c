using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LoadTests.Llm;

/// <summary>
/// An OpenAI-compatible provider in this process, so that one clock times a token from the provider to the reader. A
/// request's first message names the expected answer.
/// </summary>
internal sealed class UpstreamServer : IDisposable
{
    private readonly ConcurrentDictionary<string, UpstreamAnswer> _expected = new();
    private readonly WebApplication _app;
    private readonly TimeSpan _interval;

    public UpstreamServer(int port, int tokensPerSecond)
    {
        _interval = TimeSpan.FromSeconds(1) / tokensPerSecond;

        // Empty: neither the settings of the target nor a log are this server's.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel =>
            {
                kestrel.Listen(IPAddress.Loopback, port);
                // A token counts as sent when the socket has taken it.
                kestrel.Limits.MaxResponseBufferSize = 0;
                kestrel.Limits.MinResponseDataRate = null;
            });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        _app = builder.Build();
        _app.Run(AnswerAsync);

        try
        {
            _app.Start();
        }
        catch (IOException e)
        {
            throw new LoadTestException(
                $"--llm-upstream-port {port} cannot be used ({e.Message}). Choose a free port.",
                e
            );
        }
    }

    public void Expect(string prompt, UpstreamAnswer answer) => _expected[prompt] = answer;

    public void Forget(string prompt)
    {
        if (_expected.TryRemove(prompt, out var answer))
            answer.Stop();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var aborted = context.RequestAborted;
        using var request = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: aborted);
        var prompt = request.RootElement.GetProperty("messages")[0].GetProperty("content").GetString() ?? "";

        IResult result = _expected.TryGetValue(prompt, out var answer)
            ? TypedResults.ServerSentEvents(SendAsync(answer, aborted))
            : TypedResults.BadRequest();
        await result.ExecuteAsync(context);
    }

    private async IAsyncEnumerable<string> SendAsync(
        UpstreamAnswer answer,
        [EnumeratorCancellation] CancellationToken aborted
    )
    {
        var due = TimeSpan.Zero;
        var tokens = 0;

        for (var started = Stopwatch.GetTimestamp(); answer.NextToken() is { } token; )
        {
            yield return Chunk($$"""{"content":"{{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(token)}}"}""");
            // The response has been flushed when the next token is asked for.
            aborted.ThrowIfCancellationRequested();

            answer.MarkSent();
            tokens++;

            // From the start, so that a late timer delays no later token.
            due += _interval;
            if (due - Stopwatch.GetElapsedTime(started) is var left && left > TimeSpan.Zero)
                await Task.Delay(left, aborted);
        }

        yield return Chunk("{}", "\"stop\"");
        yield return $$$"""{"id":"load","model":"load","choices":[],"usage":{"completion_tokens":{{{tokens}}}}}""";
        yield return "[DONE]";
    }

    private static string Chunk(string delta, string finish = "null") =>
        $$"""{"id":"load","model":"load","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}}}]}""";

    public void Dispose() => _app.DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>Leaves Ctrl+C to the program, whose second one ends it.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
