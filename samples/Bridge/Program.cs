using System.Net.Http.Json;
using AspireSse.Client;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using NATS.Net;

// Copies the shop's events to NATS JetStream, each once and in order, also after this process was killed.
var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddHostedService<Bridge>();
builder.Build().Run();

internal sealed class Bridge(IConfiguration settings, ILogger<Bridge> logger) : BackgroundService
{
    private readonly Uri _shop = new(
        settings["Shop:Url"] ?? settings["services:shop:http:0"] ?? throw new InvalidOperationException("Set Shop:Url.")
    );

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var nats = new NatsClient(settings["Nats:Url"] ?? "nats://127.0.0.1:4222");
        var jetStream = nats.CreateJetStreamContext();
        var stream = await jetStream.CreateOrUpdateStreamAsync(
            new StreamConfig("shop", ["shop.>"]) { AllowDirect = true },
            stoppingToken
        );

        using var http = new HttpClient { BaseAddress = _shop };
        using var client = new SseClient();
        var events = client.Open(
            new SseRequest(new Uri(_shop, "/events?from=earliest"))
            {
                // NATS has the place itself: the id of its newest message.
                LastEventId = await LastIdAsync(stream, stoppingToken),
                BearerToken = stop => SignInAsync(http, stop),
            }
        );

        await foreach (var read in events.WithCancellation(stoppingToken))
        {
            // Such as after the newest id was lost with a server: the copy has what there is, and may have a gap.
            if (read.Resync is { } resync)
                logger.LogWarning("Events before {Id} may be missing: {Reason}", read.Id, resync.Reason);

            // These are the stream's own, not the shop's.
            if (read.Type is "connected" or "resync" or "skipped" or "unauthorized" or "error")
                continue;

            // JetStream drops a message whose id it has: what was sent before a crash is not there twice.
            var ack = await jetStream.PublishAsync(
                $"shop.{read.Type}",
                read.Utf8Data.ToArray(),
                opts: new NatsJSPubOpts { MsgId = read.Id },
                cancellationToken: stoppingToken
            );
            ack.EnsureSuccess();
            logger.LogInformation("{Id} is message {Sequence}", read.Id, ack.Seq);
        }
    }

    private static async Task<string> LastIdAsync(INatsJSStream stream, CancellationToken cancellationToken)
    {
        if (stream.Info.State.Messages == 0)
            return "";

        var newest = await stream.GetDirectAsync<string>(
            new StreamMsgGetRequest { LastBySubj = "shop.>" },
            cancellationToken: cancellationToken
        );
        return newest.Headers!["Nats-Msg-Id"].ToString();
    }

    private async ValueTask<string?> SignInAsync(HttpClient http, CancellationToken cancellationToken)
    {
        var credential = new { email = settings["Shop:Staff"], password = settings["Shop:Password"] };
        using var answer = await http.PostAsJsonAsync("/login", credential, cancellationToken);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<SignedIn>(cancellationToken))!.AccessToken;
    }

    private sealed record SignedIn(string AccessToken);
}
