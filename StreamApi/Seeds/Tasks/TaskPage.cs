using System.Globalization;
using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Tasks;

/// <summary>
/// A page of the list, from <c>?limit=</c> and <c>?after=</c>: all tasks, oldest first, or with <c>?status=</c> those
/// of one status, last changed first. The body is a plain array; <see cref="Link"/> leads to the next page.
/// </summary>
/// <param name="Limit">Maximum tasks of the page.</param>
/// <param name="Status">Status of the tasks, or null for any.</param>
/// <param name="After">Id of the last task of the previous page, or null for the first page.</param>
/// <param name="At">Time of that task when the page was read: of its creation, or with a status of its last change. The
/// next page is found by it even if the task has been deleted or changed.</param>
internal readonly record struct TaskPage(int Limit, string? Status, Guid? After, DateTime? At)
{
    public const int MaxLimit = 1_000;

    /// <exception cref="InvalidRequestException">The limit is not a positive integer, the status does not exist, or
    /// <c>after</c> is not of a previous page.</exception>
    public static TaskPage Of(IQueryCollection query)
    {
        var limit = query.PageLimit(usual: MaxLimit, most: MaxLimit);
        var status = query.Filter("status", 64);
        if (status is not null)
            TaskList.CheckStatus("status", status);
        if (query.Text("after", 128) is not { } after)
            return new TaskPage(limit, status, null, null);

        var comma = after.IndexOf(',', StringComparison.Ordinal);
        return
            TimeOf(after.AsSpan(0, Math.Max(0, comma))) is { } at
            && Guid.TryParseExact(after.AsSpan(comma + 1), "D", out var id)
            ? new TaskPage(limit, status, id, at)
            : throw new InvalidRequestException("after", "must be the one in the previous page's Link header.");
    }

    /// <summary>The header of a page after which more tasks follow (RFC 8288).</summary>
    public string Link(TaskItem last) =>
        Status is null
            ? $"</tasks?limit={Limit}&after={last.CreatedAt:O},{last.Id:D}>; rel=\"next\""
            : $"</tasks?status={Status}&limit={Limit}&after={last.UpdatedAt:O},{last.Id:D}>; rel=\"next\"";

    /// <summary>Reads the page and whether more tasks follow. It reads a range of an index, and no other
    /// rows.</summary>
    public async Task<(IReadOnlyList<TaskItem> Tasks, bool More)> ReadAsync(SeedsContext db)
    {
        var tasks = Status is null ? ByAge(db) : ByChange(db);
        var read = await tasks.Take(Limit + 1).ToListAsync(CancellationToken.None);
        return read.Count > Limit ? (read.GetRange(0, Limit), true) : (read, false);
    }

    // The cursors are compared as rows: for `a > x or (a = x and b > y)` Postgres would read the index from its start.
    private IQueryable<TaskItem> ByAge(SeedsContext db)
    {
        var at = At;
        var after = After;
        var tasks = db.Tasks.OrderBy(t => t.CreatedAt).ThenBy(t => t.Id);
        return at is not { } time || after is not { } id
            ? tasks
            : tasks.Where(t =>
                EF.Functions.GreaterThan(ValueTuple.Create(t.CreatedAt, t.Id), ValueTuple.Create(time, id))
            );
    }

    private IQueryable<TaskItem> ByChange(SeedsContext db)
    {
        var status = Status;
        var at = At;
        var after = After;
        var tasks = db
            .Tasks.Where(t => t.Status == status)
            .OrderByDescending(t => t.UpdatedAt)
            .ThenByDescending(t => t.Id);

        return at is not { } time || after is not { } id
            ? tasks
            : tasks.Where(t =>
                EF.Functions.LessThan(ValueTuple.Create(t.UpdatedAt, t.Id), ValueTuple.Create(time, id))
            );
    }

    private static DateTime? TimeOf(ReadOnlySpan<char> text) =>
        DateTime.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time)
        && time.Kind == DateTimeKind.Utc
            ? time
            : null;
}
