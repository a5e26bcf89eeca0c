using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Fanout;
using Streaming.Opening;
using Streaming.Requests;

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
            .BindConfiguration("Tasks")
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.ReserveTopics("tasks.>");
        builder
            .Services.AddOptions<TasksOptions>()
            .PostConfigure<IHostEnvironment>((o, e) => o.Complete(e.IsDevelopment()));
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
            .Produces<TaskView>(StatusCodes.Status201Created);

        tasks
            .MapGet("/tasks", ListAsync)
            .Reads(TaskList.Topics)
            .Produces<TaskView[]>()
            .Query(
                "limit",
                $"Maximum tasks of the page; default and maximum {TaskPage.MaxLimit}. "
                    + "A Link header (rel=next) leads to the next page."
            )
            .Query("status", "todo, in_progress or done: only these, last changed first; default: all, oldest first.")
            .Query("after", "Time and id of the last task of the previous page, from its Link header.");

        tasks.MapGet("/tasks/{id}", GetAsync).Reads(TaskList.Topics).Produces<TaskView>();

        tasks
            .MapPut("/tasks/status/{id}", SetStatusAsync)
            .Publishes(TaskList.Topics)
            .CountedAs(RequestKind.Publish)
            .Query("new_status", "todo, in_progress or done.", required: true);

        tasks
            .MapStream("/events/stream", StreamAsync)
            .WithStreamPool("Tasks")
            .CountedAs(TasksOptions.Streams)
            .Reads(TaskList.Topics)
            .SwitchesNames()
            .Query("types", "Event types, comma-separated or repeated; default: all.", isText: true)
            .Sends(
                "Streams changes of tasks as unnamed frames {id, event, data, timestamp}.",
                ("connected", typeof(Frame<object>)),
                (TaskList.Created, typeof(Frame<TaskCreated>)),
                (TaskList.Updated, typeof(Frame<TaskUpdated>))
            );
    }

    /// <summary>Describes a frame in the OpenAPI document.</summary>
    private sealed record Frame<T>(Guid Id, string Event, T Data, DateTime Timestamp);

    private static async Task<IResult> CreateAsync(HttpContext context, TaskList list)
    {
        var title = (await JsonBody.ReadAsync(context)).RequiredText("title", MaxTitle).Trim();
        if (title.Length == 0)
            throw new InvalidRequestException("title", "must not be empty.");
        var task = await list.CreateAsync(title, context.RequestAborted);
        return TypedResults.Created($"/tasks/{task.Id:D}", TaskView.Of(task));
    }

    private static async Task<IResult> ListAsync(HttpContext context, SeedsStore store, ReadTurns turns)
    {
        var page = TaskPage.Of(context.Request.Query);
        using var turn = await turns.EnterAsync(context);
        var (tasks, more) = await store.ReadAsync(context, page.ReadAsync);
        if (more)
            context.Response.Headers.Link = page.Link(tasks[^1]);
        return HeldJson.Ok(context, tasks.Select(TaskView.Of));
    }

    private static async Task<IResult> GetAsync(string id, HttpContext context, SeedsStore store, ReadTurns turns)
    {
        using var turn = await turns.EnterAsync(context);
        var task = Guid.TryParse(id, out var known)
            ? await store.ReadAsync(
                context,
                db => db.Tasks.SingleOrDefaultAsync(t => t.Id == known, CancellationToken.None)
            )
            : null;
        return task is null ? Unknown(id) : TypedResults.Ok(TaskView.Of(task));
    }

    private static async Task<IResult> SetStatusAsync(
        string id,
        HttpContext context,
        TaskList list,
        IStreamAccess access
    )
    {
        var status = context.Request.Query.RequiredText("new_status", 64);
        TaskList.CheckStatus("new_status", status);
        return
            Guid.TryParse(id, out var known)
            && await list.SetStatusAsync(known, status, access.ClientOf(context), context.RequestAborted)
            ? TypedResults.Ok(new { status = "updated" })
            : Unknown(id);
    }

    private static Task StreamAsync(HttpContext context, StreamOpener streams, TimeProvider clock)
    {
        var query = context.Request.Query;
        var types = query["types"]
            .SelectMany(t =>
                (t ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            )
            .ToArray();
        if (types.Length > MaxTypes)
            throw new InvalidRequestException("types", $"must have at most {MaxTypes} values.");
        foreach (var type in types)
            JsonBody.Checked("types", type, 256);
        var format = TaskEventFormat.For(query.Flag("named"));
        return streams.OpenAsync(
            context,
            context.Subscription(new StreamFilter([TaskList.Topics], types, [], format), format.Greeting(clock))
        );
    }

    private static IResult Unknown(string id) =>
        InvalidRequestException.ProblemOf("id", $"there is no task '{id}'.", StatusCodes.Status404NotFound);

    private sealed record NewTask(string Title);

    private sealed record TaskView(Guid Id, string Title, string Status, DateTime CreatedAt, DateTime UpdatedAt)
    {
        public static TaskView Of(TaskItem task) =>
            new(task.Id, task.Title, task.Status, task.CreatedAt, task.UpdatedAt);
    }
}
