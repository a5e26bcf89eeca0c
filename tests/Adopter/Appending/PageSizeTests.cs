using AspireSse.Server;

namespace Adopter.Appending;

/// <summary>Reads of a page whose size no page can have.</summary>
public sealed class PageSizeTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, 0, 1, "MaxEvents")]
    [InlineData(true, -1, 1, "MaxEvents")]
    [InlineData(true, 1, 0, "MaxBytes")]
    [InlineData(true, 1, -1, "MaxBytes")]
    [InlineData(false, 0, 1, "MaxEvents")]
    [InlineData(false, -1, 1, "MaxEvents")]
    [InlineData(false, 1, 0, "MaxBytes")]
    [InlineData(false, 1, -1, "MaxBytes")]
    public async Task A_page_without_room_for_an_event_is_refused(bool stored, int events, int bytes, string parameter)
    {
        await using var app = await LogApp.StartAsync(
            stored ? (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString : null
        );
        await app.Log().AppendAsync("orders.7", "paid", 7, cancellationToken: Stop);

        foreach (var filter in (EventFilter?[])[null, new EventFilter(["orders.7"])])
        {
            var refused = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
                app.Log()
                    .ReadAsync(
                        new()
                        {
                            Filter = filter,
                            MaxEvents = events,
                            MaxBytes = bytes,
                        },
                        Stop
                    )
            );
            Assert.Equal(parameter, refused.ParamName);
        }

        await app.StopAsync(Stop);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task A_page_without_room_for_a_topic_is_refused(int limit)
    {
        await using var app = await LogApp.StartAsync((await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString);
        var topics = app.Services.GetRequiredService<TopicReader>();

        var refused = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            topics.ListAsync("", pages => pages.ReadAsync("", "", limit), Stop)
        );
        Assert.Equal("limit", refused.ParamName);
        await app.StopAsync(Stop);
    }
}
