using Microsoft.EntityFrameworkCore;
using StreamApi.Security;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Tasks;

/// <summary><c>/tasks</c>: tasks, and one stream of their changes.</summary>
internal static class TasksApi
{
    private const int MaxTitle = 200,
        MaxTypes = 100;

    public static void AddTasks(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<TasksOptions>()
            .PostConfigure<IHostEnvironment>((o, e) => o.Complete(e.IsDevelopment()));
        builder.Services.ReserveTopics("tasks.>");
        builder.Services.AddSingleton<TaskList>();
    }

    public static void MapTasks(this IEndpointRouteBuilder app)
    {
        var tasks = app.MapGroup("").WithTags("Tasks");
        tasks
            .MapPost("/tasks", CreateAsync)
            .Publishes(TaskList.Topics)
            .CountedAs(RequestKind.Publish)
            .Takes<NewTask>()
            .Produces<TaskItem>(StatusCodes.Status201Created);

        tasks
            .MapGet("/tasks", ListAsync)
            .Reads(TaskList.Topics)
            .Produces<TaskItem[]>()
            .Query(
                "limit",
                $"Maximum tasks of the page; default and maximum {TaskPage.MaxLimit}. "
                    + "A Link header (rel=next) leads to the next page."
            )
            .Query("status", "todo, in_progress or done: only these, last changed first; default: all, oldest first.")
            .Query("after", "Time and id of the last task of the previous page, from its Link header.");

        tasks.MapGet("/tasks/{id}", GetAsync).Reads(TaskList.Topics).Produces<TaskItem>();

        tasks
            .MapPut("/tasks/status/{id}", SetStatusAsync)
            .Publishes(TaskList.Topics)
            .CountedAs(RequestKind.Publish)
            .Query("new_status", "todo, in_progress or done.", required: true);

        tasks
            .MapStream("/events/stream", Stream)
            .WithStreamPool("Tasks")
            .CountedAs(TasksOptions.Streams)
            .Reads(TaskList.Topics)
            .SwitchesNames()
            .Query("types", "Event types, comma-separated or repeated; default: all.", isText: true, also: "type")
            .Sends(
                "Streams changes of tasks as unnamed frames {id, event, data, timestamp}.",
                ("connected", typeof(TaskFrame<object>)),
                (TaskList.Created, typeof(TaskFrame<TaskCreated>)),
                (TaskList.Updated, typeof(TaskFrame<TaskUpdated>))
            );
    }

    private static async Task<IResult> CreateAsync(HttpContext context, TaskList list)
    {
        var title = (await JsonBody.ReadAsync(context)).RequiredText("title", MaxTitle).Trim();
        if (title.Length == 0)
            throw new InvalidRequestException("title", "must not be empty.");
        var task = await list.CreateAsync(title, context.RequestAborted);
        return TypedResults.Created($"/tasks/{task.Id:D}", task);
    }

    private static async Task<IResult> ListAsync(HttpContext context, SeedsStore store)
    {
        var page = TaskPage.Of(context.Request.Query);
        var (tasks, more) = await store.ReadAsync(context, page.ReadAsync);
        if (more)
            context.Response.Headers.Link = page.Link(tasks[^1]);
        return TypedResults.HeldJson(context, tasks);
    }

    private static async Task<IResult> GetAsync(string id, HttpContext context, SeedsStore store)
    {
        var task = Guid.TryParse(id, out var known)
            ? await store.ReadAsync(
                context,
                db => db.Tasks.SingleOrDefaultAsync(t => t.Id == known, CancellationToken.None)
            )
            : null;
        return task is null ? Unknown(id) : TypedResults.Ok(task);
    }

    private static async Task<IResult> SetStatusAsync(string id, HttpContext context, TaskList list)
    {
        var status = context.Request.Query.RequiredText("new_status", 64);
        TaskList.CheckStatus("new_status", status);
        return
            Guid.TryParse(id, out var known)
            && await list.SetStatusAsync(known, status, Caller.ClientOf(context), context.RequestAborted)
            ? TypedResults.Ok(new { status = "updated" })
            : Unknown(id);
    }

    public static IResult Stream(HttpRequest request, TimeProvider clock)
    {
        var query = request.Query;
        var types = query
            .Filters("types", also: "type")
            .SelectMany(t => t.Split(',', StringSplitOptions.TrimEntries))
            .ToArray();
        if (types.Contains(""))
            throw InvalidRequestException.Empty("types");
        if (types.Length > MaxTypes)
            throw new InvalidRequestException("types", $"must have at most {MaxTypes} values.");

        foreach (var type in types)
            JsonBody.Checked("types", type, 256);

        var isNamed = query.Flag("named") == true;
        return TypedResults.EventStream(
            [EventTopic.Pattern(TaskList.Topics)],
            types.Length == 0 ? null : types,
            show: isNamed ? TaskFrame.Named : TaskFrame.Unnamed,
            greeting: TaskFrame.Greeting(isNamed, clock.GetUtcNow())
        );
    }

    private static IResult Unknown(string id) =>
        InvalidRequestException.ProblemOf("id", $"there is no task '{id}'.", StatusCodes.Status404NotFound);

    private sealed record NewTask(string Title);
}
