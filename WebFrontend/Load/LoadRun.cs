using System.Text.Json;

namespace WebFrontend.Load;

/// <summary>One event of a run's stream.</summary>
internal readonly record struct LoadRunEvent(int Number, string Type, string Data);

/// <summary>
/// The events of one run: <c>run</c>, then <c>progress</c>, <c>result</c> and <c>log</c>, then <c>end</c>. Keeps them
/// all, so that a late or reloaded page gets the same. Thread-safe.
/// </summary>
internal sealed class LoadRun(string id, LoadRequest request, DateTimeOffset startedAt)
{
    /// <summary>Well above four progress lines a second over the longest run.</summary>
    private const int MaxEvents = 4_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly Lock _gate = new();
    private readonly List<LoadRunEvent> _events = [First(id, request, startedAt)];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id => id;

    public bool Ended { get; private set; }

    /// <summary>Adds one line of the load generator's output.</summary>
    public void AddOutput(string line)
    {
        if (line.Length == 0)
            return;
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
            AddLog(line);
        }
    }

    public void AddLog(string line)
    {
        if (line.Length > 0)
            Add("log", JsonSerializer.Serialize(new { line }, Json));
    }

    /// <summary>Ends the run.</summary>
    /// <param name="status"><c>passed</c>, <c>failed</c> (a threshold), <c>stopped</c> or <c>error</c>.</param>
    public void End(string status) => Add("end", JsonSerializer.Serialize(new { status }, Json), ends: true);

    /// <summary>
    /// Returns the events after a number, and a task that completes when there are more, or null after the end.
    /// </summary>
    public (IReadOnlyList<LoadRunEvent> Events, Task? More) After(int number)
    {
        lock (_gate)
            return ([.. _events.Skip(number + 1)], Ended ? null : _more.Task);
    }

    private static LoadRunEvent First(string id, LoadRequest request, DateTimeOffset startedAt)
    {
        var run = new
        {
            id,
            startedAt,
            request,
        };
        return new LoadRunEvent(0, "run", JsonSerializer.Serialize(run, Json));
    }

    private void Add(string type, string data, bool ends = false)
    {
        lock (_gate)
        {
            if (Ended || (_events.Count >= MaxEvents && !ends))
                return;
            _events.Add(new LoadRunEvent(_events.Count, type, data));
            Ended = ends;
            _more.SetResult();
            _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
