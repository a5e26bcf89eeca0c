using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;

namespace Adopter.Middleware;

/// <summary>ASP.NET Core's own metrics, of an application that does nothing for them.</summary>
public sealed class RefusalMetricsTests : IAsyncLifetime
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Route, int Status, string? Error)> _counted = [];
    private IMeterFactory _meters = null!;
    private int _maxConnections = 1_000;

    public static TheoryData<string, bool> Ways =>
        [
            .. from way in (string[])["/typed", "/either", "/marked", "/result"]
            from takesOver in (bool[])[false, true]
            select new TheoryDataRow<string, bool>(way, takesOver),
        ];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_stream_is_no_duration_and_a_refused_one_is(string way, bool takesOver)
    {
        await using var house = await StartAsync(takesOver);
        var route = $"{way}/{{id}}";

        await using (await house.OpenAsync($"{way}/one"))
            await RefusedAsync(house, $"{way}/one.two", HttpStatusCode.NotFound);
        await RefusedAsync(house, $"{way}/one?slow=never", HttpStatusCode.BadRequest);

        await CountedAsync((route, 404, null), (route, 400, null));
    }

    /// <summary>A browser gives up after 503, so the status of a refused client that resumes is 200.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_full_server_counts_its_refusals_those_of_resuming_clients_too(bool takesOver)
    {
        _maxConnections = 1;
        await using var house = await StartAsync(takesOver);
        await using var only = await house.OpenAsync("/typed/one");
        await house.AppendAsync("one", "placed");
        await only.WaitForEventsAsync(1);

        await RefusedAsync(house, "/typed/one", HttpStatusCode.ServiceUnavailable);
        await RefusedAsync(house, "/typed/one", HttpStatusCode.OK, lastId: only.Events.First().Id);

        await CountedAsync(("/typed/{id}", 503, null), ("/typed/{id}", 200, "reconnect"));
    }

    public ValueTask InitializeAsync()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "http.server.request.duration" && instrument.Meter.Scope == _meters)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<double>(
            (_, _, tags, _) =>
            {
                var named = tags.ToArray().ToDictionary();
                _counted.Enqueue(
                    (
                        (string)named["http.route"]!,
                        (int)named["http.response.status_code"]!,
                        (string?)named.GetValueOrDefault("error.type")
                    )
                );
            }
        );

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        return ValueTask.CompletedTask;
    }

    private Task<RunningHouse> StartAsync(bool takesOver) =>
        RunningHouse.StartAsync(
            new House(
                "metrics",
                builder =>
                    builder.Services.PostConfigure<SseOptions>(sse =>
                    {
                        sse.MaxConnections = _maxConnections;
                    }),
                app =>
                {
                    _meters = app.Services.GetRequiredService<IMeterFactory>();
                    _listener.Start();
                }
            ),
            takesOver
        );

    private static async Task RefusedAsync(
        RunningHouse house,
        string path,
        HttpStatusCode status,
        string? lastId = null
    )
    {
        using var response = await house.GetAsync(path, lastId);
        Assert.Equal(status, response.StatusCode);
        await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until the refusals are counted, and nothing else is.</summary>
    private async Task CountedAsync(params (string Route, int Status, string? Error)[] refusals)
    {
        await Eventually.HoldsAsync(() => _counted.Count >= refusals.Length, "the refusals are counted");
        Assert.Equal(refusals.Order(), _counted.Order());
    }
}
