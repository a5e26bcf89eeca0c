using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;

namespace Pictures;

/// <summary>Measures what a browser with an empty cache loads for each page, and what it loads for the next visit.
/// Bytes are those of the connection: compressed, with headers.</summary>
internal static class FirstVisits
{
    // Enough for the data that a page shows at once.
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(3);

    private static readonly string[] Paths =
    [
        "/",
        "/connections",
        "/events",
        "/petstore",
        "/tasks",
        "/patterns",
        "/chat",
        "/agent",
        "/load",
        "/sign-in",
    ];

    private static readonly string[] Kinds = ["document", "styles", "scripts", "pictures", "data"];

    private sealed record Loaded(string Kind, double Bytes, bool IsCached, string Url);

    public static async Task MeasureAsync(MeasuredSystem system, Camera camera)
    {
        Console.WriteLine($"| page | requests | kB | {string.Join(" | ", Kinds)} | streams | next visit |");
        Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---|", Kinds.Length + 4))}");

        foreach (var path in Paths)
        {
            IPage page = null!;
            var first = await LoadAsync(camera, async () => page = await camera.ShowAsync(system.Page(path)));
            await page.GotoAsync("about:blank");
            var next = await LoadAsync(camera, () => page.GotoAsync(system.Page(path).ToString()));
            await page.Context.CloseAsync();

            Console.WriteLine(RowOf(path, first, next));
        }
    }

    private static async Task<IReadOnlyList<Loaded>> LoadAsync(Camera camera, Func<Task> visitAsync)
    {
        var trace = await camera.TraceAsync(
            ["devtools.timeline"],
            async () =>
            {
                await visitAsync();
                await Task.Delay(Watched);
            }
        );
        var answers = trace.Data("ResourceReceiveResponse").ToLookup(Id);
        var ends = trace.Data("ResourceFinish").ToLookup(Id);

        return
        [
            .. from request in trace.Data("ResourceSendRequest")
            let url = request.GetProperty("url").GetString()!
            where url.StartsWith("http", StringComparison.Ordinal)
            let answer = answers[Id(request)].FirstOrDefault()
            select new Loaded(KindOf(answer), BytesOf(ends[Id(request)]), IsCached(answer), url),
        ];
    }

    private static string RowOf(string path, IReadOnlyList<Loaded> first, IReadOnlyList<Loaded> next)
    {
        var kinds = Kinds.Select(kind => CountAndSize(first.Where(one => one.Kind == kind)));
        var sent = next.Where(one => !one.IsCached);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| `{path}` | {first.Count} | {first.Sum(one => one.Bytes) / 1000:F1} | {string.Join(" | ", kinds)} | "
                + $"{first.Count(one => one.Kind == "stream")} | {CountAndSize(sent)} |"
        );
    }

    private static string CountAndSize(IEnumerable<Loaded> loaded) =>
        string.Create(CultureInfo.InvariantCulture, $"{loaded.Count()} · {loaded.Sum(one => one.Bytes) / 1000:F1}");

    private static string Id(JsonElement data) => data.GetProperty("requestId").GetString()!;

    private static double BytesOf(IEnumerable<JsonElement> ends) =>
        ends.Sum(end => end.TryGetProperty("encodedDataLength", out var bytes) ? bytes.GetDouble() : 0);

    private static bool IsCached(JsonElement answer) =>
        answer.ValueKind != JsonValueKind.Undefined
        && answer.TryGetProperty("fromCache", out var cached)
        && cached.GetBoolean();

    private static string KindOf(JsonElement answer) =>
        answer.ValueKind == JsonValueKind.Undefined
            ? "data"
            : answer.GetProperty("mimeType").GetString() switch
            {
                "text/html" => "document",
                "text/css" => "styles",
                "text/javascript" or "application/javascript" => "scripts",
                "image/svg+xml" => "pictures",
                "text/event-stream" => "stream",
                _ => "data",
            };
}
