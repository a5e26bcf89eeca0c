using System.Globalization;
using System.Text.Json;
using LoadTests.Running;

namespace LoadTests.Reports;

/// <summary>
/// How it goes, on the error stream: a line that is written over on a terminal, one every few seconds elsewhere. For a
/// program: each
/// window as a JSON line on the output.
/// </summary>
internal sealed class Progress(string scenario, LoadRun run, TimeSpan lasts, bool json) : IDisposable
{
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly bool _overwrites = !json && !Console.IsErrorRedirected;
    private readonly Lock _gate = new();
    private TimeSpan _first = TimeSpan.MinValue,
        _nextLog;
    private string _note = "";

    /// <summary>Something has happened: shown at once.</summary>
    public void Tell(string note)
    {
        lock (_gate)
            (_note, _nextLog) = (note, TimeSpan.Zero);
    }

    /// <summary>Shown with the next line.</summary>
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
                $"{scenario, -14} {now.Open, 6} open  {now.Published, 7:F0} published/s  {now.Delivered, 9:F0} delivered/s  p50 {now.P50Ms, 7:F1} ms  p99 {now.P99Ms, 7:F1} ms  {run.Counters.Reconnects} reconnects  {(left > TimeSpan.Zero ? $"{left.TotalSeconds:F0} s left" : "draining")}  {_note}"
            );
            if (_overwrites)
                Console.Error.Write($"\r{line, -160}");
            else
                Console.Error.WriteLine(line.TrimEnd());
            if (!_overwrites)
                _note = "";
        }
    }

    // {"progress":{"scenario":"fanout","open":200,…}}: a result has no such member.
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
