using Pictures;

// Takes the pictures of docs/images: all of them, or those that the arguments name. The order matters: the first ones
// show charts without a gap, and the dashboard's need a quiet system.
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
if (args.Except(pictures.Select(p => p.Name)).FirstOrDefault() is { } unknown)
{
    Console.Error.WriteLine($"There is no picture {unknown}: {string.Join(", ", pictures.Select(p => p.Name))}.");
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
