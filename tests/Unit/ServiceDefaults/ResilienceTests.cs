using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly.Timeout;
using ServiceDefaults.Http;

namespace Unit.ServiceDefaults;

public class ResilienceTests
{
    /// <summary>Requests in a row that may fail before the circuit breaker opens.</summary>
    private const int Breaking = 5;

    private int requests;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_waits_for_its_first_byte_where_another_request_times_out(bool marked)
    {
        var gate = new TaskCompletionSource();
        await using var service = await StartAsync(app =>
            app.MapGet(
                "/slow",
                async (HttpContext context) =>
                {
                    await gate.Task.WaitAsync(context.RequestAborted);
                    await context.Response.WriteAsync("data: at last\n\n");
                }
            )
        );

        var stream = service.Outgoing.SendAsync(
            Stream(service, marked),
            HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken
        );

        await Assert.ThrowsAsync<TimeoutRejectedException>(() =>
            service.Outgoing.GetAsync($"{service.Url}/slow", TestContext.Current.CancellationToken)
        );
        gate.SetResult();

        using var response = await stream;
        Assert.Equal(
            "data: at last\n\n",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
    }

    [Theory]
    [InlineData("GET", 4)]
    [InlineData("PUT", 4)]
    [InlineData("DELETE", 4)]
    [InlineData("POST", 1)]
    [InlineData("PATCH", 1)]
    public async Task A_request_that_is_not_idempotent_is_sent_once(string method, int times)
    {
        await using var service = await StartAsync(Unavailable, attemptMilliseconds: 20_000);
        using var request = new HttpRequestMessage(new HttpMethod(method), $"{service.Url}/slow");
        using var response = await service.Outgoing.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(times, requests);
    }

    [Fact]
    public async Task A_refused_stream_is_left_to_its_reader_and_says_nothing_about_other_requests()
    {
        await using var service = await StartAsync(Unavailable, attemptMilliseconds: 20_000);

        for (var sent = 1; sent <= 2 * Breaking; sent++)
        {
            using var response = await service.Outgoing.SendAsync(
                Stream(service, marked: false),
                HttpCompletionOption.ResponseHeadersRead,
                TestContext.Current.CancellationToken
            );
            Assert.Equal((HttpStatusCode.ServiceUnavailable, sent), (response.StatusCode, requests));
        }

        // An open circuit breaker would throw.
        using var other = new HttpRequestMessage(HttpMethod.Post, $"{service.Url}/slow");
        using var answer = await service.Outgoing.SendAsync(other, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
    }

    private void Unavailable(WebApplication app) =>
        app.Map(
            "/slow",
            () =>
            {
                Interlocked.Increment(ref requests);
                return Results.StatusCode(503);
            }
        );

    private static HttpRequestMessage Stream(Service service, bool marked)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"{service.Url}/slow");
        if (marked)
            return request.AsStream();

        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        return request;
    }

    // Short if the test waits for the timeout, long if a slow machine must not cause it.
    private static Task<Service> StartAsync(Action<WebApplication> map, int attemptMilliseconds = 100) =>
        Service.StartAsync(
            builder =>
                builder.Services.ConfigureAll<HttpStandardResilienceOptions>(options =>
                {
                    options.AttemptTimeout.Timeout = TimeSpan.FromMilliseconds(attemptMilliseconds);
                    options.TotalRequestTimeout.Timeout = TimeSpan.FromMilliseconds(3 * attemptMilliseconds);
                    // The shortest that the handler accepts.
                    options.CircuitBreaker.SamplingDuration = TimeSpan.FromMilliseconds(
                        Math.Max(2 * attemptMilliseconds, 500)
                    );
                    options.CircuitBreaker.MinimumThroughput = Breaking;
                    options.Retry.Delay = TimeSpan.FromMilliseconds(1);
                }),
            map
        );
}
