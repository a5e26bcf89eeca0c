using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>Users, chats and AG-UI runs whose names differ only as texts and their escapes in a path do.</summary>
public sealed class EscapedNameTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private const string Name = "a-long-name-0001",
        Text = "Tell me of cats.",
        Snapshot = "MESSAGES_SNAPSHOT";

    private Uri A => shared.World.A;
    private Uri B => shared.World.B;

    [Theory]
    [InlineData("one/user", "one%2Fuser")]
    [InlineData("two%2fuser", "two/user")]
    public async Task A_user_whose_name_is_the_escape_of_anothers_has_chats_and_runs_of_its_own(
        string name,
        string other
    )
    {
        var (owner, stranger) = (TokenOf(name), TokenOf(other));
        var asked = await FirstAsync("POST /api/chat", owner, Chat(Name));
        await StreamAsync("POST /agents/ag-ui", owner, Run(Name, Name));

        await B.ExpectAsync(204, $"GET /api/chat/{Name}/stream", stranger);
        await B.ExpectAsync(404, $"DELETE /agents/ag-ui/{Name}/{Name}", stranger);
        var run = await StreamAsync("POST /agents/ag-ui", stranger, Run(Name, Name));
        Assert.DoesNotContain(Snapshot, run, StringComparison.Ordinal);
        Assert.Equal(IdOf(asked), IdOf(await FirstAsync($"GET /api/chat/{Name}/stream", owner)));
    }

    [Fact]
    public async Task A_name_and_its_escape_are_two_chats_and_two_runs_and_a_path_finds_each()
    {
        var ann = TokenOf("ann");
        foreach (var (name, path) in new[] { ("proj/1", "proj%2F1"), ("proj%2F1", "proj%252F1") })
        {
            Assert.Equal(204, await B.StatusAsync($"GET /api/chat/{path}/stream", ann));
            Assert.Equal(404, await B.StatusAsync($"DELETE /agents/ag-ui/{path}/{path}", ann));

            var asked = await FirstAsync("POST /api/chat", ann, Chat(name));
            var run = await StreamAsync("POST /agents/ag-ui", ann, Run(name, name));
            Assert.DoesNotContain(Snapshot, run, StringComparison.Ordinal);

            Assert.Equal(IdOf(asked), IdOf(await FirstAsync($"GET /api/chat/{path}/stream", ann)));
            await B.ExpectAsync(204, $"DELETE /agents/ag-ui/{path}/{path}", ann);
        }
    }

    private async Task<string> StreamAsync(string request, string user, object? body = null)
    {
        using var response = await A.SendAsync(request, user, body);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private Task<string> FirstAsync(string request, string user, object? body = null) =>
        SecureRequests.FirstAsync(A, request, user, body);

    private static string? IdOf(string first) =>
        JsonElement.Parse(first["data: ".Length..]).GetProperty("messageId").GetString();

    private static string TokenOf(string user) => Tokens.Of(user, publish: ["generations.*"]);

    /// <summary>An answer that runs until the test has ended.</summary>
    private static object Chat(string id) =>
        new
        {
            id,
            max_tokens = 4000,
            messages = new[] { new { role = "user", parts = new[] { new { type = "text", text = Text } } } },
        };

    private static object Run(string threadId, string runId) =>
        new
        {
            threadId,
            runId,
            messages = new[] { new { role = "user", content = Text } },
        };
}
