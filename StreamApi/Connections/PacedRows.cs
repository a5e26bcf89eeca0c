using System.Runtime.CompilerServices;

namespace StreamApi.Connections;

/// <summary>
/// Makes the rows of a long list in slices with pauses between them, so that other requests and events are served
/// meanwhile. A list of up to a hundred rows is made at once; a longer one pauses less than fifty times.
/// </summary>
internal sealed class PacedRows(TimeProvider clock)
{
    private const int MinSlice = 100,
        MaxSlices = 50;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Returns the time for which a list of that length pauses.</summary>
    public static TimeSpan PausesOf(int rows) => Pause * (Math.Max(0, rows - 1) / SliceOf(rows));

    /// <summary>Makes a row of each item, in order, while the caller reads them.</summary>
    public async IAsyncEnumerable<TRow> ReadAsync<T, TRow>(
        IReadOnlyList<T> items,
        Func<T, TRow> rowOf,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var slice = SliceOf(items.Count);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0 && i % slice == 0)
                await Task.Delay(Pause, clock, cancellationToken);
            yield return rowOf(items[i]);
        }
    }

    private static int SliceOf(int rows) => Math.Max(MinSlice, (rows + MaxSlices - 1) / MaxSlices);
}
