using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Streaming.Endpoints;
using Streaming.Requests;

namespace StreamApi.Seeds.Tasks;

/// <summary>
/// A part of the list, oldest first: <c>?limit=</c> and <c>?after=</c>, the id of the last task that the client has.
/// The body is a
/// plain array; where the list goes on stands in a header, <c>Link: &lt;/tasks?limit=…&amp;after=…&gt;; rel="next"</c>
/// (RFC 8288).
/// </summary>
/// <param name="Limit">Most tasks of the answer.</param>
/// <param name="After">Null: from the first.</param>
internal readonly record struct TaskPage(int Limit, Guid? After)
{
    public const int MaxLimit = 1_000;

    /// <exception cref="InvalidRequestException">A limit that is no whole number from 1, an <c>after</c> that is no
    /// task's id.</exception>
    public static TaskPage Of(IQueryCollection query)
    {
        var limit = MaxLimit;
        if (query.Text("limit", 64) is { } most)
            limit =
                int.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
                    ? Math.Min(number, MaxLimit)
                    : throw new InvalidRequestException("limit", "must be a whole number from 1.");
        Guid? after = null;
        if (query.Text("after", 64) is { } last)
            after = Guid.TryParseExact(last, "D", out var id)
                ? id
                : throw new InvalidRequestException("after", "must be the id of the last task of the page before.");
        return new TaskPage(limit, after);
    }

    /// <summary>The page, and whether there are more after it.</summary>
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
