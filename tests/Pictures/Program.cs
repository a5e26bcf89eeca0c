using Pictures;

// Takes the pictures of docs/images: all of them, or those that the arguments name. The order matters: the first ones
// show charts without a gap, and the dashboard's need a quiet system. Or takes one of the measurements of the pages in
// docs/benchmarks.md.
(string Name, Func<PictureSystem, Camera, string, Task> TakeAsync)[] pictures =
[
    ("connections", BusyPictures.ConnectionsAsync),
    ("overview", BusyPictures.OverviewAsync),
    ("trace", DashboardPictures.TraceAsync),
    ("dashboard", DashboardPictures.ResourcesAsync),
    ("petstore", FrontendPictures.PetstoreAsync),
    ("tasks", FrontendPictures.TasksAsync),
    ("patterns", FrontendPictures.PatternsAsync),
    ("chat", FrontendPictures.ChatAsync),
    ("resume", FrontendPictures.ResumeAsync),
    ("agent", FrontendPictures.AgentAsync),
];
(string Name, Func<MeasuredSystem, Camera, Task> MeasureAsync)[] measurements =
[
    ("first-visits", FirstVisits.MeasureAsync),
    ("main-thread", MainThread.MeasureAsync),
];
if (measurements.FirstOrDefault(m => args is [var only] && only == m.Name) is { MeasureAsync: { } measureAsync })
{
    await using var browser = await Camera.OpenAsync();
    await using var measured = await MeasuredSystem.StartAsync();
    await measureAsync(measured, browser);
    return 0;
}

if (args.Except(pictures.Select(p => p.Name)).FirstOrDefault() is { } unknown)
{
    var names = pictures.Select(p => p.Name).Concat(measurements.Select(m => m.Name));
    Console.Error.WriteLine($"There is no picture or measurement {unknown}: {string.Join(", ", names)}.");
    return 2;
}

await using var camera = await Camera.OpenAsync();
if (await camera.MissingFontsAsync() is { } missing)
{
    Console.Error.WriteLine(missing);
    return 2;
}
await using var system = await PictureSystem.StartAsync();
foreach (var (name, takeAsync) in pictures.Where(p => args.Length == 0 || args.Contains(p.Name)))
    await takeAsync(system, camera, name);
return 0;
