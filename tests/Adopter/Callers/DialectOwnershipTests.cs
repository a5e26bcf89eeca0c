using System.Net;
using System.Text.Json.Nodes;

namespace Adopter.Callers;

/// <summary>Requests of one caller for another one's work, begun by a vendor's client.</summary>
public sealed class DialectOwnershipTests(RunningCallers callers) : IClassFixture<RunningCallers>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(CallerPairs.Names), MemberType = typeof(CallerPairs))]
    public async Task A_response_is_its_callers_own(string pair)
    {
        var (own, other) = await CallerPairs.OfAsync(callers.App, pair);
        var id = await RespondAsync(own);
        var response = $"/v1/responses/{id}";

        foreach (var path in (string[])[response, response + "?stream=true", response + "/input_items"])
        {
            Assert.Equal(HttpStatusCode.OK, await own.ReadAsync(path));
            await ForbiddenAsync(await other.Http.GetAsync(path, Stop));
        }

        await ForbiddenAsync(await other.Http.PostAsync(response + "/cancel", content: null, Stop));
        await ForbiddenAsync(await other.Http.DeleteAsync(response, Stop));

        // A foreign conversation is as unknown as one that never was.
        using var continued = await other.Http.PostAsJsonAsync("/v1/responses", Request(previous: id), Stop);
        Assert.Equal(HttpStatusCode.BadRequest, continued.StatusCode);
        Assert.Contains("previous_response_not_found", await continued.Content.ReadAsStringAsync(Stop));

        Assert.NotEmpty(await RespondAsync(own, previous: id));
        Assert.Equal(HttpStatusCode.OK, await own.CancelAsync(response));
    }

    [Theory]
    [MemberData(nameof(CallerPairs.Names), MemberType = typeof(CallerPairs))]
    public async Task A_chat_is_its_callers_own(string pair)
    {
        var (own, other) = await CallerPairs.OfAsync(callers.App, pair);
        var chat = Guid.NewGuid().ToString();
        var stream = $"/api/chat/{chat}/stream";
        Assert.Contains(GatewayClient.Secret, await own.ChatAsync(chat), StringComparison.Ordinal);
        Assert.Contains(GatewayClient.Secret, await own.ChatAsync(chat, again: true), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, await other.ReadAsync(stream));

        // Both may have a chat of this name, and neither one's answer becomes the other's.
        var others = await other.TextAsync("/api/chat", GatewayClient.Chat(chat, "another-question"));
        Assert.DoesNotContain(GatewayClient.Secret, others, StringComparison.Ordinal);
        Assert.Contains(GatewayClient.Secret, await own.ChatAsync(chat, again: true), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(CallerPairs.Names), MemberType = typeof(CallerPairs))]
    public async Task An_AG_UI_run_is_its_callers_own(string pair)
    {
        var (own, other) = await CallerPairs.OfAsync(callers.App, pair);
        var run = Guid.NewGuid().ToString();
        var said = await own.TextAsync("/agents/ag-ui", GatewayClient.Run(run));
        Assert.Contains(GatewayClient.Secret, said, StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.NotFound, await other.CancelAsync($"/agents/ag-ui/thread/{run}"));
        var others = await other.TextAsync("/agents/ag-ui", GatewayClient.Run(run, "another-question"));
        Assert.DoesNotContain(GatewayClient.Secret, others, StringComparison.Ordinal);
        Assert.DoesNotContain("MESSAGES_SNAPSHOT", others, StringComparison.Ordinal);

        Assert.Contains(
            "MESSAGES_SNAPSHOT",
            await own.TextAsync("/agents/ag-ui", GatewayClient.Run(run)),
            StringComparison.Ordinal
        );
        Assert.Equal(HttpStatusCode.NoContent, await own.CancelAsync($"/agents/ag-ui/thread/{run}"));
    }

    private static async Task<string> RespondAsync(GatewayClient caller, string? previous = null) =>
        JsonNode.Parse(await caller.TextAsync("/v1/responses", Request(previous)))!["id"]!.GetValue<string>();

    /// <summary>A status for programs, in OpenAI's shape: no scheme redirects to its form.</summary>
    private static async Task ForbiddenAsync(HttpResponseMessage answer)
    {
        using (answer)
        {
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            var text = await answer.Content.ReadAsStringAsync(Stop);
            Assert.Contains("permission_error", text, StringComparison.Ordinal);
            Assert.DoesNotContain(GatewayClient.Secret, text, StringComparison.Ordinal);
        }
    }

    private static object Request(string? previous) =>
        new
        {
            model = "demo",
            input = GatewayClient.Secret,
            max_output_tokens = 20,
            previous_response_id = previous,
        };
}
