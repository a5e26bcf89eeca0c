using System.Globalization;
using System.Text.Json;
using LoadTests.Measurements;

namespace LoadTests.Reports;

/// <summary>
/// Shows progress on the error stream: one line that is overwritten on a terminal, a line every few seconds
/// elsewhere. For a program it also writes each window as a JSON line to the output.
/// </summary>
internal sealed class Progress(string scenario, LoadRun run, TimeSpan lasts, bool json) : IDisposable
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly bool _overwrites = !json && !Console.IsErrorRedirected;
    private readonly Lock _gate = new();
    private TimeSpan _first = TimeSpan.MinValue;
    private TimeSpan _nextLog;
    private string _note = "";

    /// <summary>Columns of one line of the terminal; a longer line would scroll it.</summary>
    private static int Columns => Console.WindowWidth is > 1 and var width ? width - 1 : 79;

    /// <summary>Shows an event at once.</summary>
    public void Report(string note)
    {
        lock (_gate)
        {
            _note = note;
            _nextLog = TimeSpan.Zero;
        }
    }

    /// <summary>Shows a note with the next line.</summary>
    public void Note(string note)
    {
        lock (_gate)
            _note = note;
    }

    public void Show(HistoryWindow now)
    {
        lock (_gate)
        {
            if (_first == TimeSpan.MinValue)
                _first = now.Until;

            var left = lasts - (now.Until - _first);

            if (json)
                Write(now, left);
            if (!_overwrites && now.Until < _nextLog)
                return;

            _nextLog = now.Until + LogInterval;
            var line = string.Create(
                CultureInfo.InvariantCulture,
                $"{scenario, -14} {now.Open, 6} open  {now.Published, 7:F0} published/s  "
                    + $"{now.Delivered, 9:F0} delivered/s  p50 {now.P50Ms, 7:F1} ms  p99 {now.P99Ms, 7:F1} ms  "
                    + $"{run.Counters.Reconnects} reconnects  "
                    + $"{(left > TimeSpan.Zero ? $"{left.TotalSeconds:F0} s left" : "draining")}  {_note}"
            );

            if (_overwrites)
                Console.Error.Write($"\r{line.PadRight(Columns)[..Columns]}");
            else
                Console.Error.WriteLine(line.TrimEnd());

            if (!_overwrites)
                _note = "";
        }
    }

    // {"progress":{"scenario":"fanout","open":200,…}}; result lines have no such member.
    private void Write(HistoryWindow now, TimeSpan left) =>
        Console.WriteLine(
            JsonSerializer.Serialize(
                new
                {
                    progress = new
                    {
                        scenario,
                        open = now.Open,
                        published = Math.Round(now.Published, 1),
                        delivered = Math.Round(now.Delivered, 1),
                        p50 = Math.Round(now.P50Ms, 2),
                        p99 = Math.Round(now.P99Ms, 2),
                        reconnects = run.Counters.Reconnects,
                        secondsLeft = Math.Max(0, Math.Round(left.TotalSeconds, 1)),
                        note = _note,
                    },
                },
                Json
            )
        );

    public void Dispose()
    {
        if (_overwrites)
            Console.Error.WriteLine();
    }
}
