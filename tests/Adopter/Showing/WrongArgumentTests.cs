using System.Net.ServerSentEvents;
using System.Text;
using Adopter.Appending;
using AspireSse.Server;
using Microsoft.Extensions.Options;

namespace Adopter.Showing;

/// <summary>Arguments that make no sense are refused where they are given.</summary>
public sealed class WrongArgumentTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public void A_filter_without_its_values_is_refused()
    {
        Assert.Throws<ArgumentNullException>(() => new EventFilter(null!));
        Assert.Throws<ArgumentException>(() => new EventFilter(["a"], types: [null!]));
        Assert.Throws<ArgumentException>(() => new EventFilter(["a"], keys: ["k", null!]));
        Assert.Throws<ArgumentException>(() => new EventFilter([default]));
        Assert.Throws<ArgumentNullException>(() => TypedResults.EventStream((IReadOnlyList<EventTopic>)null!));
        Assert.Throws<ArgumentException>(() => TypedResults.EventStream(["a"], types: [null!]));
        Assert.Throws<ArgumentException>(() => TypedResults.EventStream(["a"], keys: [null!]));
    }

    [Fact]
    public void A_filter_keeps_its_values_whatever_its_caller_does_with_the_lists()
    {
        List<EventTopic> topics = ["a"];
        List<string> types = ["x"];
        var filter = new EventFilter(topics, types, types);
        topics.Clear();
        types[0] = "y";
        Assert.Equal(["a", "x", "x"], [.. filter.Topics, .. filter.Types, .. filter.Keys]);
    }

    [Fact]
    public void A_reconnection_time_before_now_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            TypedResults.EventStream(AsyncEnumerable.Empty<SseItem<int>>(), TimeSpan.FromSeconds(-5), null)
        );
        Assert.Throws<ArgumentNullException>(() => TypedResults.EventStream<int>(null!));
    }

    [Fact]
    public void An_end_that_no_event_has_is_refused()
    {
        Assert.Throws<ArgumentNullException>(() => Of(null!));
        Assert.Throws<ArgumentException>(() => Of([""]));
        Assert.Throws<ArgumentException>(() => Of(["done", null!]));
        Assert.Throws<ArgumentException>(() => TypedResults.FiniteEventStream("a", [""]));
        Assert.Throws<ArgumentException>(() => TypedResults.FiniteEventStream("a", ["done", null!]));

        static object Of(string[] ends) => TypedResults.EventStream(["a"], bounds: new StreamBounds { Ends = ends });
    }

    [Fact]
    public void A_format_that_does_not_exist_is_refused()
    {
        const EventFormat None = (EventFormat)99;
        Assert.Throws<ArgumentOutOfRangeException>(() => TypedResults.EventStream(["a"], format: None));
        Assert.Throws<ArgumentOutOfRangeException>(() => TypedResults.FiniteEventStream("a", ["done"], None));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            TypedResults.StartedRunStream("a", (_, _) => Task.CompletedTask, None)
        );
    }

    /// <summary>They would divide by zero, or refuse every request, only when the first one comes.</summary>
    [Theory]
    [InlineData("ReadPercent", "0")]
    [InlineData("ReadPercent", "-1")]
    [InlineData("SparePercent", "-1")]
    [InlineData("SparePercent", "101")]
    [InlineData("KilobytesPerSecond", "0")]
    [InlineData("HeldBytes", "-1")]
    [InlineData("HeldBytes", "65535")]
    public async Task Bounds_of_requests_that_nobody_could_keep_end_the_start(string bound, string value)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(async () =>
        {
            await using var app = await SmallApp.StartAsync(
                _ => { },
                builder => builder.Services.AddOptions<AdmissionOptions>().BindConfiguration("Bounds"),
                connectionString: null,
                $"--Bounds:{bound}={value}"
            );
        });
        Assert.Contains($"'{bound}'", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_without_a_place_begins_with_the_oldest_event(bool inMemory)
    {
        await using var app = await LogApp.StartAsync(
            inMemory ? null : (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString
        );
        await app.Log().AppendAsync("t.1", "n", 1, cancellationToken: Stop);

        var page = await app.Log().ReadAsync(new(), Stop);
        Assert.Equal("1", Encoding.UTF8.GetString(Assert.Single(page.Events).Data.Span));
        Assert.Equal(page.Head, page.Next);

        foreach (var nowhere in (StreamPosition[])[default, new("", 1), page.Head with { Position = -1 }])
            Assert.Throws<ArgumentException>(() => new EventRead { After = nowhere });
    }

    [Fact]
    public async Task A_run_without_work_is_refused()
    {
        await using var app = await LogApp.StartAsync((await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString);
        var runs = app.Services.GetRequiredService<IRuns>();
        await Assert.ThrowsAsync<ArgumentNullException>(() => runs.StartAsync("answers.7", null!, Stop));
        Assert.True(await runs.StartAsync("answers.7", (_, _) => Task.CompletedTask, Stop));
    }
}
