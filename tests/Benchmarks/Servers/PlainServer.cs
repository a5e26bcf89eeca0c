using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Benchmarks.Servers;

/// <summary>
/// The mode <c>plain</c>: the framework's own
/// <see cref="TypedResults.ServerSentEvents{T}(IAsyncEnumerable{SseItem{T}})"/> over a bounded channel for each
/// client. It stores nothing, and a slow client loses events.
/// </summary>
internal static class PlainServer
{
    public static void Run(string url)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls(url);

        var app = builder.Build();
        var clients = new ConcurrentDictionary<ChannelWriter<SseItem<string>>, byte>();
        app.MapGet("/alive", () => "");
        app.MapGet(
            "/sse",
            (HttpContext context) => TypedResults.ServerSentEvents(ReadAsync(context, clients, context.RequestAborted))
        );

        app.MapPost(
            "/pub",
            async (HttpRequest request) =>
            {
                using var body = new StreamReader(request.Body);
                var item = new SseItem<string>(await body.ReadToEndAsync());
                foreach (var (client, _) in clients)
                    client.TryWrite(item);
                return TypedResults.Accepted((string?)null);
            }
        );
        app.Run();
    }

    private static async IAsyncEnumerable<SseItem<string>> ReadAsync(
        HttpContext context,
        ConcurrentDictionary<ChannelWriter<SseItem<string>>, byte> clients,
        [EnumeratorCancellation] CancellationToken gone
    )
    {
        var channel = Channel.CreateBounded<SseItem<string>>(
            new BoundedChannelOptions(1_000) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }
        );
        clients.TryAdd(channel.Writer, 0);

        try
        {
            await context.Response.Body.FlushAsync(gone); // without it, the head waits for the first event
            await foreach (var item in channel.Reader.ReadAllAsync(gone))
                yield return item;
        }
        finally
        {
            clients.TryRemove(channel.Writer, out _);
        }
    }
}
