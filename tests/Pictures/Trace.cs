using System.Text.Json;
using Microsoft.Playwright;

namespace Pictures;

/// <summary>Chromium's own record of what its threads did: the format that chrome://tracing reads.</summary>
internal sealed class Trace(IReadOnlyList<JsonElement> events)
{
    private readonly TimeSpan _length = TimeSpan.FromMicroseconds(
        events.Where(IsTimed).Select(EndOf).DefaultIfEmpty().Max()
            - events.Where(IsTimed).Select(StartOf).DefaultIfEmpty().Min()
    );

    public static async Task<Trace> RecordAsync(IBrowser browser, string[] categories, Func<Task> whileAsync)
    {
        var session = await browser.NewBrowserCDPSessionAsync();
        var events = new List<JsonElement>();
        var complete = new TaskCompletionSource();
        session.Event("Tracing.dataCollected").OnEvent += (_, data) =>
            events.AddRange(data!.Value.GetProperty("value").EnumerateArray().Select(e => e.Clone()));
        session.Event("Tracing.tracingComplete").OnEvent += (_, _) => complete.TrySetResult();

        var traced = new Dictionary<string, object> { ["includedCategories"] = categories };
        await session.SendAsync("Tracing.start", new Dictionary<string, object> { ["traceConfig"] = traced });
        await whileAsync();
        await session.SendAsync("Tracing.end");
        await complete.Task;
        await session.DetachAsync();

        return new Trace(events);
    }

    /// <summary>The data of each event of this name.</summary>
    public IEnumerable<JsonElement> Data(string name) =>
        from entry in events
        where entry.GetProperty("name").GetString() == name
        select entry.GetProperty("args").GetProperty("data");

    /// <summary>The shares of the time that the busiest thread of this name spent in tasks: from begin to end, and on a
    /// processor.</summary>
    public (double Busy, double Cpu) Busiest(string thread)
    {
        var threads = events
            .Where(e => e.GetProperty("name").GetString() == "thread_name")
            .Where(e => e.GetProperty("args").GetProperty("name").GetString() == thread)
            .Select(IdOf)
            .ToHashSet();
        var tasks = events.Where(e => IsTimed(e) && IsTask(e)).ToLookup(IdOf);

        return threads
            .Select(id =>
                (Busy: Share(tasks[id].Sum(DurationOf)), Cpu: Share(tasks[id].Sum(task => NumberOf(task, "tdur"))))
            )
            .DefaultIfEmpty()
            .MaxBy(shares => shares.Busy);
    }

    private double Share(double microseconds) => microseconds / _length.TotalMicroseconds;

    private static bool IsTimed(JsonElement entry) => entry.GetProperty("ph").GetString() == "X";

    private static bool IsTask(JsonElement entry) =>
        entry.GetProperty("name").GetString()!.EndsWith("RunTask", StringComparison.Ordinal);

    private static (int Process, int Thread) IdOf(JsonElement entry) =>
        (entry.GetProperty("pid").GetInt32(), entry.GetProperty("tid").GetInt32());

    private static double StartOf(JsonElement entry) => NumberOf(entry, "ts");

    private static double EndOf(JsonElement entry) => StartOf(entry) + DurationOf(entry);

    private static double DurationOf(JsonElement entry) => NumberOf(entry, "dur");

    private static double NumberOf(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var number) ? number.GetDouble() : 0;
}
