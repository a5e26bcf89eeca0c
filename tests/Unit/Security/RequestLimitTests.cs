using System.Net;
using Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using StreamApi.Security;
using StreamApi.Security.Limits;
using Unit.ServiceDefaults;
using Unit.Streaming;

namespace Unit.Security;

/// <summary>Limits that endpoints declare by themselves, without Redis: the replica counts alone.</summary>
public sealed class RequestLimitTests
{
    private static readonly RequestKind Weather = new("weather", 2, "asked for the weather twice in a minute");

    [Fact]
    public async Task A_features_own_limit_is_declared_at_its_endpoint_alone()
    {
        await using var service = await StartAsync(app => app.MapGet("/weather", () => "sunny").CountedAs(Weather));
        for (var i = 0; i < Weather.MaxPerMinute; i++)
            Assert.Equal(HttpStatusCode.OK, (await GetAsync(service, "/weather")).Status);
        var refused = await GetAsync(service, "/weather");
        Assert.Equal((HttpStatusCode.TooManyRequests, true), (refused.Status, refused.RetryAfter > TimeSpan.Zero));
        Assert.Contains(Weather.Excess, refused.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_with_a_limit_of_its_own_refuses_no_resume_with_429()
    {
        await using var service = await StartAsync(app =>
            app.MapStream("/weather/stream", () => "open").CountedAs(Weather).Sends("Streams the weather.")
        );

        for (var i = 0; i < Weather.MaxPerMinute; i++)
            Assert.Equal("open", (await GetAsync(service, "/weather/stream")).Body);

        Assert.Equal(HttpStatusCode.TooManyRequests, (await GetAsync(service, "/weather/stream")).Status);

        // Twice as many as new streams of all kinds.
        for (var resumes = 0; resumes < 4; resumes++)
            Assert.Equal("open", (await GetAsync(service, "/weather/stream?last_event_id=x-1")).Body);

        var putOff = await GetAsync(service, "/weather/stream?last_event_id=x-1");
        Assert.Equal(HttpStatusCode.OK, putOff.Status);
        Assert.Contains("\nevent: position\nretry: ", putOff.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/publish", "more than 1 times per second (Limits:PublishesPerSecond)")]
    [InlineData("/stream", "2 new streams in the last minute (Limits:NewStreamsPerMinute)")]
    [InlineData("/nothing", "more than 1 requests per second (Limits:RequestsPerSecond)")]
    public async Task A_client_has_twice_its_rate_at_once_and_a_refusal_names_the_limit(string path, string limit)
    {
        await using var service = await StartAsync(app =>
        {
            app.MapPost("/publish", () => "published").CountedAs(RequestKind.Publish);
            app.MapStream("/stream", () => "open").CountedAs(RequestKind.Stream).Sends("Streams events.");
        });
        var admitted = 0;
        // A rate of one per second admits one more for each second that the loop takes.
        for (; admitted < 50; admitted++)
        {
            using var request = new HttpRequestMessage(path == "/publish" ? HttpMethod.Post : HttpMethod.Get, path);
            using var answer = await service.Outside.SendAsync(request, TestContext.Current.CancellationToken);
            if (answer.StatusCode != HttpStatusCode.TooManyRequests)
                continue;

            var detail = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Contains(limit, detail, StringComparison.Ordinal);
            Assert.True(answer.Headers.RetryAfter!.Delta > TimeSpan.Zero);
            // Plain requests are refused late, and the connection is closed.
            Assert.Equal(path == "/nothing", answer.Headers.ConnectionClose == true);

            break;
        }

        Assert.InRange(admitted, 2, path == "/stream" ? 2 : 49);
    }

    /// <summary>On HTTP/2 and behind a proxy a refusal does not end the client's connection, so that it repeats all of
    /// its requests at once.</summary>
    [Fact]
    public async Task A_client_for_which_a_thousand_late_refusals_wait_loses_its_connection()
    {
        const int Requests = 1_600,
            Few = 10;
        const HttpStatusCode Refused = HttpStatusCode.TooManyRequests;
        var time = new ManualTime();
        await using var service = await StartAsync(
            _ => { },
            builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(time);
                builder.WebHost.ConfigureKestrel(kestrel =>
                    kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2)
                );
            }
        );

        using var http = new HttpClient(new SocketsHttpHandler { EnableMultipleHttp2Connections = true })
        {
            BaseAddress = new Uri(service.Url),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        await AskAsync(Few, refused: 1, until: a => a is { IsCompletedSuccessfully: true, Result.StatusCode: Refused });
        // Far above the thousand, because refusals leave in real time: a hundred a second.
        await AskAsync(Requests, refused: 1_500, until: a => a.IsFaulted);

        async Task AskAsync(int requests, int refused, Predicate<Task<HttpResponseMessage>> until)
        {
            var waiting = time.Delays.Count;
            var answers = Enumerable
                .Range(0, requests)
                .Select(_ => http.GetAsync("/nothing", TestContext.Current.CancellationToken))
                .ToList();
            await Eventually.HoldsAsync(() => time.Delays.Count >= waiting + refused);
            time.Advance(TimeSpan.FromSeconds(2));
            await Eventually.HoldsAsync(() => answers.Exists(until));
        }
    }

    [Fact]
    public async Task A_stream_opens_in_an_app_whose_rate_limiter_does_not_know_the_kinds()
    {
        await using var service = await Service.StartAsync(
            builder => builder.Services.AddRateLimiter(_ => { }),
            app =>
            {
                app.UseRateLimiter();
                app.MapStream("/weather/stream", () => "open");
            }
        );
        Assert.Equal("open", (await GetAsync(service, "/weather/stream")).Body);
    }

    private static Task<Service> StartAsync(
        Action<WebApplication> map,
        Action<WebApplicationBuilder>? configure = null
    ) =>
        Service.StartAsync(
            builder =>
            {
                configure?.Invoke(builder);
                builder.AddRelayRedis();
                builder.AddLimits();
                builder.Services.AddSingleton<IStreamAccess, CallerAccess>().AddBudget();
            },
            app =>
            {
                RequestAdmission.Use(app);
                map(app);
            },
            ("ConnectionStrings:redis", $"127.0.0.1:{FreePort.Take()}"),
            ("Limits:RequestsPerSecond", "1"),
            ("Limits:PublishesPerSecond", "1"),
            ("Limits:NewStreamsPerMinute", "2"),
            ("Limits:ConnectionsPerSecond", "1000000"),
            ("Limits:ConnectionsPerAddress", "1000000")
        );

    private static async Task<(HttpStatusCode Status, TimeSpan? RetryAfter, string Body)> GetAsync(
        Service service,
        string path
    )
    {
        using var answer = await service.Outside.GetAsync(path, TestContext.Current.CancellationToken);
        return (
            answer.StatusCode,
            answer.Headers.RetryAfter?.Delta,
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
    }
}
