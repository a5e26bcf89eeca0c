using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;
using Streaming.Requests;

namespace StreamApi.Seeds.Tasks;

/// <summary>Creates tasks and changes their status; each change and its event commit together.</summary>
internal sealed class TaskList(IDbContextFactory<TasksContext> contexts, RowTurns turns)
{
    public const string Topics = "tasks.*";
    public const string Created = "task_created",
        Updated = "task_updated";
    public const string Done = "done";
    public static readonly string[] Statuses = ["todo", "in_progress", Done];

    /// <exception cref="InvalidRequestException">There is no such status.</exception>
    public static void CheckStatus(string field, string status)
    {
        if (!Statuses.Contains(status))
            throw new InvalidRequestException(field, $"must be one of {string.Join(", ", Statuses)}.");
    }

    public Task<TaskItem> CreateAsync(string title, CancellationToken cancellationToken) =>
        contexts.ChangeAsync(context => CreateAsync(context, title), cancellationToken);

    private static async Task<TaskItem> CreateAsync(TasksContext context, string title)
    {
        var now = await context.NowAsync();
        var task = new TaskItem
        {
            Id = Guid.CreateVersion7(now),
            Title = title,
            Status = Statuses[0],
            CreatedAt = now.UtcDateTime,
            UpdatedAt = now.UtcDateTime,
        };
        context.Tasks.Add(task);
        await context.SaveChangesAsync(CancellationToken.None);
        await context.PublishAsync(
            $"tasks.{task.Id:D}",
            Created,
            new TaskCreated(task.Id, title, task.Status),
            task.Id.ToString("D"),
            null,
            CancellationToken.None
        );
        await context.CommitAsync();
        return task;
    }

    /// <summary>Returns false if the task does not exist.</summary>
    public async Task<bool> SetStatusAsync(Guid id, string status, string client, CancellationToken cancellationToken)
    {
        var turn = await turns.EnterAsync($"task {id}", client, cancellationToken);
        return await contexts.ChangeAsync(context => SetStatusAsync(context, id, status), cancellationToken, turn);
    }

    private static async Task<bool> SetStatusAsync(TasksContext context, Guid id, string status)
    {
        // The row lock keeps the events, and the times, in the order of the changes.
        var changed = await context.Database.ExecuteSqlAsync(
            $"""
            update tasks.tasks
            set status = {status}, updated_at = date_trunc('milliseconds', clock_timestamp()) where id = {id}
            """,
            CancellationToken.None
        );
        if (changed == 0)
            return false;
        await context.PublishAsync(
            $"tasks.{id:D}",
            Updated,
            new TaskUpdated(id, status),
            id.ToString("D"),
            null,
            CancellationToken.None
        );
        await context.CommitAsync();
        return true;
    }
}

internal sealed record TaskCreated(
    [property: System.Text.Json.Serialization.JsonPropertyName("task_id")] Guid TaskId,
    string Title,
    string Status
);

internal sealed record TaskUpdated(
    [property: System.Text.Json.Serialization.JsonPropertyName("task_id")] Guid TaskId,
    string Status
);
