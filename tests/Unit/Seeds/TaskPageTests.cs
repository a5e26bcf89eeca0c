using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using StreamApi.Seeds.Tasks;

namespace Unit.Seeds;

public sealed class TaskPageTests
{
    private static readonly TaskItem Last = new()
    {
        Id = Guid.Parse("01a1f84a-0000-7000-8000-000000000001"),
        Title = "last of its page",
        Status = "done",
        CreatedAt = new DateTime(2026, 11, 20, 9, 29, 51, DateTimeKind.Utc),
        UpdatedAt = new DateTime(2026, 11, 21, 9, 29, 51, 123, 456, DateTimeKind.Utc),
    };

    [Theory]
    [InlineData("?limit=2", null)]
    [InlineData("?limit=2&status=done", "done")]
    public void The_link_of_a_page_is_the_query_of_the_next_one(string query, string? status)
    {
        var link = Of(query).Link(Last);
        Assert.StartsWith("</tasks?", link, StringComparison.Ordinal);
        Assert.EndsWith(">; rel=\"next\"", link, StringComparison.Ordinal);
        var next = Of(link[link.IndexOf('?', StringComparison.Ordinal)..link.IndexOf('>', StringComparison.Ordinal)]);
        Assert.Equal(new TaskPage(2, status, Last.Id, status is null ? Last.CreatedAt : Last.UpdatedAt), next);
    }

    [Fact]
    public void A_limit_beyond_every_integer_is_the_most() =>
        Assert.Equal(TaskPage.MaxLimit, Of("?limit=99999999999").Limit);

    [Theory]
    [InlineData("?status=finished", "status")]
    [InlineData("?status=done&after=01a1f84a-0000-7000-8000-000000000001", "after")]
    [InlineData("?status=done&after=2026-11-20,01a1f84a-0000-7000-8000-000000000001", "after")]
    [InlineData("?status=done&after=2026-11-20T00:00:00.0000000,01a1f84a-0000-7000-8000-000000000001", "after")]
    [InlineData("?status=done&after=2026-11-20T00:00:00.0000000Z,nothing", "after")]
    [InlineData("?after=2026-11-20T00:00:00.0000000,01a1f84a-0000-7000-8000-000000000001", "after")]
    [InlineData("?after=01a1f84a-0000-7000-8000-000000000001", "after")]
    public void A_cursor_of_another_list_is_refused(string query, string field) =>
        Assert.Equal(field, Assert.Throws<InvalidRequestException>(() => Of(query)).Field);

    private static TaskPage Of(string query) => TaskPage.Of(new QueryCollection(QueryHelpers.ParseQuery(query)));
}
