using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Unit.ServiceDefaults;
using WebFrontend.SignIn;
using WebFrontend.Status;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace Unit.WebFrontend;

public sealed class StreamApiProxyTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_stream_without_events_outlives_the_forwarders_own_limit()
    {
        var opened = 0;
        var comes = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var streamApi = await Service.StartAsync(map: app => app.MapGet("/open", OpenAsync));
        await using var frontend = await StartAsync(streamApi.Url);

        using var silent = await frontend.Outside.GetAsync(
            "/api/open",
            HttpCompletionOption.ResponseHeadersRead,
            Cancelled
        );
        silent.EnsureSuccessStatusCode();

        // The same stream, opened later and forwarded with the limit, is cut meanwhile.
        await Assert.ThrowsAnyAsync<HttpRequestException>(() =>
            frontend.Outside.GetStringAsync("/limited/open", Cancelled)
        );
        Assert.Equal(2, opened);

        comes.SetResult();
        Assert.Equal("data: 1\n\n", await silent.Content.ReadAsStringAsync(Cancelled));

        async Task OpenAsync(HttpContext context)
        {
            Interlocked.Increment(ref opened);
            context.Response.ContentType = "text/event-stream";
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await comes.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("data: 1\n\n", context.RequestAborted);
        }
    }

    [Fact]
    public async Task A_refusal_is_in_the_metric_of_durations_and_an_answer_is_not()
    {
        await using var streamApi = await Service.StartAsync(map: app => app.MapGet("/answered", () => "answer"));
        await using var frontend = await StartAsync(streamApi.Url);
        var meters = frontend.Services.GetRequiredService<IMeterFactory>();
        var statuses = new ConcurrentQueue<object?>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, all) =>
            {
                if (instrument.Name == "http.server.request.duration" && instrument.Meter.Scope == meters)
                    all.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>(
            (_, _, tags, _) => statuses.Enqueue(tags.ToArray().ToDictionary()["http.response.status_code"])
        );
        listener.Start();

        foreach (var path in (string[])["/api/answered", "/api/refused"])
            await frontend.Outside.GetAsync(path, Cancelled);

        await Eventually.HoldsAsync(() => !statuses.IsEmpty, "the refusal is counted");
        Assert.Equal([404], statuses);
    }

    /// <summary>Starts the proxy, and at <c>/limited</c> its forwarder with the forwarder's own settings.</summary>
    private static Task<Service> StartAsync(string streamApi) =>
        Service.StartAsync(
            builder =>
            {
                builder.AddStreamApiAddress();
                builder.AddSignIn();
                var forwarder = builder.Services.Last(s => s.ServiceType == typeof(IHttpForwarder)).ImplementationType!;
                builder.Services.AddSingleton<IHttpForwarder>(services => new QuickForwarder(
                    (IHttpForwarder)ActivatorUtilities.CreateInstance(services, forwarder)
                ));
            },
            app =>
            {
                app.Map("/api/{**path}", (HttpContext context, StreamApiProxy proxy) => proxy.ForwardAsync(context))
                    .AllowAnonymous();
                app.MapForwarder("/limited/{**path}", streamApi, to => to.AddPathRemovePrefix("/limited"))
                    .AllowAnonymous();
            },
            ("services:streamapi:http:0", streamApi)
        );

    /// <summary>The forwarder, whose own limit of 100 s is half a second here.</summary>
    private sealed class QuickForwarder(IHttpForwarder forwarder) : IHttpForwarder
    {
        public ValueTask<ForwarderError> SendAsync(
            HttpContext context,
            string destinationPrefix,
            HttpMessageInvoker httpClient,
            ForwarderRequestConfig requestConfig,
            HttpTransformer transformer
        ) => SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer, context.RequestAborted);

        public ValueTask<ForwarderError> SendAsync(
            HttpContext context,
            string destinationPrefix,
            HttpMessageInvoker httpClient,
            ForwarderRequestConfig requestConfig,
            HttpTransformer transformer,
            CancellationToken cancellationToken
        )
        {
            var quick = requestConfig with
            {
                ActivityTimeout = requestConfig.ActivityTimeout ?? TimeSpan.FromSeconds(0.5),
            };
            return forwarder.SendAsync(context, destinationPrefix, httpClient, quick, transformer, cancellationToken);
        }
    }
}
