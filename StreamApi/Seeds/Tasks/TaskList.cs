using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Tasks;

/// <summary>Creates tasks and changes their status; each change and its event commit together.</summary>
internal sealed class TaskList(SeedsStore store, RowTurns turns)
{
    public const string Topics = "tasks.*";
    public const string Created = "task_created",
        Updated = "task_updated";
    public static readonly string[] Statuses = ["todo", "in_progress", "done"];

    /// <exception cref="InvalidRequestException">There is no such status.</exception>
    public static void CheckStatus(string field, string status)
    {
        if (!Statuses.Contains(status))
            throw new InvalidRequestException(field, $"must be one of {string.Join(", ", Statuses)}.");
    }

    public Task<TaskItem> CreateAsync(string title, CancellationToken cancellationToken) =>
        store.ChangeAsync(
            async db =>
            {
                var now = await db.NowAsync();
                var task = new TaskItem
                {
                    Id = Guid.CreateVersion7(now),
                    Title = title,
                    Status = Statuses[0],
                    CreatedAt = now.UtcDateTime,
                    UpdatedAt = now.UtcDateTime,
                };
                db.Add(task);
                db.Publish($"tasks.{task.Id}", Created, new TaskCreated(task.Id, title, task.Status), $"{task.Id}");

                return task;
            },
            cancellationToken
        );

    /// <summary>Returns false if the task does not exist.</summary>
    public async Task<bool> SetStatusAsync(Guid id, string status, string client, CancellationToken cancellationToken)
    {
        var turn = await turns.EnterAsync($"task {id}", client, cancellationToken);
        return await store.ChangeAsync(db => SetStatusAsync(db, id, status), cancellationToken, turn);
    }

    private static async Task<bool> SetStatusAsync(SeedsContext db, Guid id, string status)
    {
        // The row lock keeps the events, and the times, in the order of the changes.
        var changed = await db.Database.ExecuteSqlAsync(
            $"""
            update seeds.tasks
            set status = {status}, updated_at = date_trunc('milliseconds', clock_timestamp()) where id = {id}
            """,
            CancellationToken.None
        );
        if (changed == 0)
            return false;

        db.Publish($"tasks.{id}", Updated, new TaskUpdated(id, status), $"{id}");
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
