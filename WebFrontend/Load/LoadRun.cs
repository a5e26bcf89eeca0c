using System.Text.Json;

namespace WebFrontend.Load;

/// <summary>What a reader of a run gets.</summary>
internal readonly record struct LoadRunEvent(int Number, string Type, string Data);

/// <summary>
/// One run as those who watch see it: <c>run</c>, then <c>progress</c>, <c>result</c> and <c>log</c>, then <c>end</c>.
/// All of it is kept,
/// so that a page that comes later, or again, sees the same.
/// </summary>
internal sealed class LoadRun(string id, LoadRequest request, DateTimeOffset startedAt)
{
    /// <summary>Four a second for as long as a run may take; more would be a fault.</summary>
    private const int Most = 4_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly Lock _gate = new();
    private readonly List<LoadRunEvent> _events =
    [
        new(
            0,
            "run",
            JsonSerializer.Serialize(
                new
                {
                    id,
                    startedAt,
                    request,
                },
                Json
            )
        ),
    ];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id => id;

    public bool Ended { get; private set; }

    /// <summary>Takes one line of the generator's output.</summary>
    public void Take(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                return;
            if (json.RootElement.TryGetProperty("progress", out var progress))
                Add("progress", progress.GetRawText());
            else if (json.RootElement.TryGetProperty("scenario", out _))
                Add("result", line);
        }
        catch (JsonException)
        {
            TakeLog(line);
        }
    }

    public void TakeLog(string line)
    {
        if (line.Length > 0)
            Add("log", JsonSerializer.Serialize(new { line }, Json));
    }

    /// <param name="status"><c>passed</c>, <c>failed</c> (a threshold), <c>stopped</c> or <c>error</c>.</param>
    public void End(string status) => Add("end", JsonSerializer.Serialize(new { status }, Json), ends: true);

    /// <summary>Everything after that number, and what completes when there is more; null where that was all.</summary>
    public (IReadOnlyList<LoadRunEvent> Events, Task? More) After(int number)
    {
        lock (_gate)
            return ([.. _events.Skip(number + 1)], Ended ? null : _more.Task);
    }

    private void Add(string type, string data, bool ends = false)
    {
        lock (_gate)
        {
            if (Ended || (_events.Count >= Most && !ends))
                return;
            _events.Add(new LoadRunEvent(_events.Count, type, data));
            Ended = ends;
            _more.SetResult();
            _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
