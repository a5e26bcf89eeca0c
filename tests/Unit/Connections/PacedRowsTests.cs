using Harness;
using StreamApi.Connections;

namespace Unit.Connections;

public sealed class PacedRowsTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly ManualTime _time = new();
    private int _made;

    [Fact]
    public async Task A_list_of_up_to_a_hundred_rows_is_made_at_once()
    {
        Assert.Equal(Enumerable.Range(0, 100), await RowsAsync(100));
        Assert.Empty(_time.Delays);
    }

    [Fact]
    public async Task A_longer_list_pauses_between_its_slices_and_has_every_row_in_order()
    {
        var rows = RowsAsync(250);
        Assert.Equal((100, Pause), await NextPauseAsync());
        Assert.Equal((200, Pause), await NextPauseAsync());
        Assert.Equal(Enumerable.Range(0, 250), await rows);
        Assert.Equal(2 * Pause, PacedRows.PausesOf(250));
    }

    [Fact]
    public async Task A_list_of_any_length_pauses_less_than_fifty_times()
    {
        var rows = RowsAsync(20_001);
        for (var i = 0; i < 49; i++)
            await NextPauseAsync();
        Assert.Equal(20_001, (await rows).Count);
        Assert.Equal(49 * Pause, PacedRows.PausesOf(20_001));
    }

    /// <summary>Lets the next pause pass; returns the number of rows made before it, and its length.</summary>
    private async Task<(int Made, TimeSpan Length)> NextPauseAsync()
    {
        await _time.WaitForDelayAsync();
        var made = _made;
        return (made, await _time.PassDelayAsync());
    }

    private async Task<IReadOnlyList<int>> RowsAsync(int count)
    {
        var items = Enumerable.Range(0, count).ToArray();
        var rows = new PacedRows(_time).ReadAsync(items, Make, TestContext.Current.CancellationToken);
        return await rows.ToListAsync(TestContext.Current.CancellationToken);

        int Make(int item)
        {
            _made++;
            return item;
        }
    }
}
