using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Streaming.Endpoints;
using Streaming.Requests;

namespace StreamApi.Seeds.Tasks;

/// <summary>
/// A page of the list, oldest first, from <c>?limit=</c> and <c>?after=</c>. The body is a plain array; the next page
/// is in the header <c>Link: &lt;/tasks?limit=…&amp;after=…&gt;; rel="next"</c> (RFC 8288).
/// </summary>
/// <param name="Limit">Maximum tasks of the page.</param>
/// <param name="After">Id of the last task of the previous page; null: the first page.</param>
internal readonly record struct TaskPage(int Limit, Guid? After)
{
    public const int MaxLimit = 1_000;

    /// <exception cref="InvalidRequestException">The limit is not a positive integer, or <c>after</c> is not a task
    /// id.</exception>
    public static TaskPage Of(IQueryCollection query)
    {
        var limit = MaxLimit;
        if (query.Text("limit", 64) is { } most)
            limit =
                int.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
                    ? Math.Min(number, MaxLimit)
                    : throw new InvalidRequestException("limit", "must be a positive integer.");
        Guid? after = null;
        if (query.Text("after", 64) is { } last)
            after = Guid.TryParseExact(last, "D", out var id)
                ? id
                : throw new InvalidRequestException("after", "must be the id of the last task of the previous page.");
        return new TaskPage(limit, after);
    }

    /// <summary>Reads the page and whether more tasks follow.</summary>
    public async Task<(IReadOnlyList<TaskItem> Tasks, bool More)> ReadAsync(
        TasksContext context,
        CancellationToken cancellationToken
    )
    {
        IQueryable<TaskItem> tasks = context.Tasks.AsNoTracking().OrderBy(t => t.CreatedAt).ThenBy(t => t.Id);
        if (After is { } id)
        {
            if (
                await context.Tasks.AsNoTracking().SingleOrDefaultAsync(t => t.Id == id, cancellationToken)
                is not { } last
            )
                throw new InvalidRequestException("after", $"there is no task '{id}'.");
            tasks = tasks.Where(t =>
                t.CreatedAt > last.CreatedAt || (t.CreatedAt == last.CreatedAt && t.Id.CompareTo(id) > 0)
            );
        }
        var read = await tasks.Take(Limit + 1).ToListAsync(cancellationToken);
        return read.Count > Limit ? (read.GetRange(0, Limit), true) : (read, false);
    }
}
