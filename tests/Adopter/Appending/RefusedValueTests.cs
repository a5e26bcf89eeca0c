using System.Text.Json;

namespace Adopter.Appending;

/// <summary>Calls that append nothing, in Postgres and in memory alike.</summary>
public sealed class RefusedValueTests
{
    /// <summary>Values of an endpoint that takes any JSON, or null for one that was never set.</summary>
    private static readonly Dictionary<string, string?> Values = new()
    {
        ["a lone surrogate"] = """["\ud800"]""",
        ["a name with one"] = """{"\udc00":1}""",
        ["too many levels"] = new string('[', 70) + new string(']', 70),
        ["none"] = null,
    };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static MatrixTheoryData<string, bool> Cases => new(Values.Keys, [false, true]);

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_value_that_is_no_json_is_refused_with_the_reason(string name, bool isStored)
    {
        await using var app = await StartAsync(isStored);
        var value = ValueOf(Values[name]);

        await Assert.ThrowsAsync<ArgumentException>(() =>
            app.Log().AppendAsync("a.1", "t", value, cancellationToken: Stop)
        );
        await Assert.ThrowsAsync<ArgumentException>(() =>
            app.Log().AppendAsync("a.1", "t", new { Inner = value }, cancellationToken: Stop)
        );
        Assert.Throws<ArgumentException>(() => NewEvent.Of("a.1", "t", value));
        await IsEmptyAsync(app);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_call_that_was_cancelled_before_appends_nothing(bool isStored)
    {
        await using var app = await StartAsync(isStored);
        var cancelled = new CancellationToken(true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            app.Log().AppendAsync("a.1", "t", 1, cancellationToken: cancelled)
        );
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            app.Log().AppendAsync([new("a.1", "t", "1")], new() { Publisher = "p" }, cancelled)
        );
        await IsEmptyAsync(app);
    }

    private static JsonElement ValueOf(string? json) =>
        json is null ? default : JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = 100 });

    private static async Task IsEmptyAsync(WebApplication app) =>
        Assert.Empty((await app.Log().ReadAsync(new(), Stop)).Events);

    private static async Task<WebApplication> StartAsync(bool isStored) =>
        await LogApp.StartAsync(isStored ? (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString : null);
}
