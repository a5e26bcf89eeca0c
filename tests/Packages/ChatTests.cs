using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Harness;
using Harness.Worlds;

namespace Packages;

public sealed class ChatTests(MadePackages made)
{
    private static readonly NpmScripts Scripts = new("Sdk");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_clients_of_four_vendors_share_a_chat()
    {
        await using var chat = await StartAsync();
        await Scripts.RunAsync("chat.mjs", [chat.Address.GetLeftPart(UriPartial.Authority)], "ok");
    }

    [Fact]
    public async Task A_chat_is_its_users_and_an_answer_ends_when_it_is_cancelled()
    {
        await using var chat = await StartAsync();
        var path = $"/chats/{Guid.NewGuid()}";
        using var ann = await SignInAsync(chat, "ann", "tea");
        using var bob = await SignInAsync(chat, "bob", "coffee");

        var question = new { input = string.Join(' ', Enumerable.Repeat("Why?", 1_000)), background = true };
        var begun = await SendAsync(ann, HttpMethod.Post, $"{path}/v1/responses", question);
        var answer = $"{path}/v1/responses/{begun.GetProperty("id").GetString()}";
        Assert.Equal("in_progress", begun.GetProperty("status").GetString());

        using var foreign = await bob.GetAsync(new Uri(answer, UriKind.Relative), Stop);
        Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);
        Assert.Equal("[]", await bob.GetStringAsync(new Uri(path, UriKind.Relative), Stop));
        using var anonymous = await chat.Client.GetAsync(new Uri(path, UriKind.Relative), Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);

        Assert.True((await SendAsync(ann, HttpMethod.Delete, $"{path}/answer")).GetBoolean());
        await Eventually.HoldsAsync(async () =>
            (await SendAsync(ann, HttpMethod.Get, answer)).GetProperty("status").GetString() == "cancelled"
        );
        Assert.False((await SendAsync(ann, HttpMethod.Delete, $"{path}/answer")).GetBoolean());
    }

    [Fact]
    public async Task All_results_texts_and_images_of_a_request_reach_the_model()
    {
        await using var chat = await StartAsync();
        using var ann = await SignInAsync(chat, "ann", "tea");
        object[] results =
        [
            new
            {
                role = "tool",
                tool_call_id = "a",
                content = "Osaka",
            },
            new
            {
                role = "tool",
                tool_call_id = "b",
                content = "Kyoto",
            },
        ];
        Assert.Equal("It is Osaka and Kyoto. ", await AskAsync(results));

        object[] parts =
        [
            new { type = "text", text = "One? " },
            new { type = "image_url", image_url = new { url = "https://example.com/cat.png" } },
            new { type = "text", text = "Two?" },
        ];
        var answer = await AskAsync(new { role = "user", content = parts });
        Assert.StartsWith("You asked: One? Two? (I see 1)", answer, StringComparison.Ordinal);

        async Task<string> AskAsync(params object[] messages)
        {
            var path = $"/chats/{Guid.NewGuid()}/v1/chat/completions";
            var said = await SendAsync(ann, HttpMethod.Post, path, new { messages });
            return said.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
        }
    }

    [Fact]
    public async Task A_run_of_AG_UI_that_is_asked_for_again_cancels_no_other()
    {
        await using var chat = await StartAsync();
        var id = Guid.NewGuid();
        using var ann = await SignInAsync(chat, "ann", "tea");
        using var first = await RunAsync("r1", "Why?");
        await first.Content.ReadAsStringAsync(Stop);
        using var live = await RunAsync("r2", string.Join(' ', Enumerable.Repeat("Why?", 1_000)));
        using var again = await RunAsync("r1", "Why?");

        Assert.Contains("RUN_FINISHED", await again.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        // The later run is not asked to stop, which its next word would obey.
        await using var words = await live.Content.ReadAsStreamAsync(Stop);
        using var lines = new StreamReader(words);
        for (var deltas = 0; deltas < 20; )
            if ((await lines.ReadLineAsync(Stop))!.Contains("TEXT_MESSAGE_CONTENT", StringComparison.Ordinal))
                deltas++;
        var answer = await SendAsync(ann, HttpMethod.Get, $"/chats/{id}/v1/responses/resp_ann.{id}.r2");
        Assert.Equal("in_progress", answer.GetProperty("status").GetString());

        Task<HttpResponseMessage> RunAsync(string runId, string content)
        {
            object[] messages =
            [
                new
                {
                    id = "m1",
                    role = "user",
                    content,
                },
            ];
            return OpenAsync(
                ann,
                $"/chats/{id}/ag-ui",
                JsonContent.Create(
                    new
                    {
                        threadId = "t",
                        runId,
                        messages,
                    }
                )
            );
        }
    }

    [Theory]
    [InlineData("v1/chat/completions", "{", "{\"error\":{\"message\":")]
    [InlineData("v1/chat/completions", """{"messages":[]}""", "{\"error\":{\"message\":")]
    [InlineData(
        "v1/chat/completions",
        """{"stream":"x","messages":[{"role":"user","content":"Why?"}]}""",
        "{\"error\":{\"message\":"
    )]
    [InlineData("v1/responses", "{}", "{\"error\":{\"message\":")]
    [InlineData(
        "v1/messages",
        """{"messages":[{"role":"assistant","content":"So"}]}""",
        "{\"type\":\"error\",\"error\":{"
    )]
    [InlineData("ui", """{"messages":[]}""", "{\"type\":\"error\",\"errorText\":")]
    [InlineData("ag-ui", """{"messages":[{"role":"user","content":"Why?"}]}""", "{\"type\":\"RUN_ERROR\",\"message\":")]
    [InlineData(
        "ag-ui",
        """{"threadId":"t","runId":"a b","messages":[{"role":"user","content":"Why?"}]}""",
        "{\"type\":\"RUN_ERROR\",\"message\":"
    )]
    public async Task A_bad_request_gets_the_protocols_error_and_leaves_no_question(
        string api,
        string body,
        string error
    )
    {
        await using var chat = await StartAsync();
        var path = $"/chats/{Guid.NewGuid()}";
        using var ann = await SignInAsync(chat, "ann", "tea");
        using var response = await OpenAsync(
            ann,
            $"{path}/{api}",
            new StringContent(body, Encoding.UTF8, "application/json")
        );

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(error, await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        Assert.Equal("[]", await ann.GetStringAsync(new Uri(path, UriKind.Relative), Stop));
    }

    [Fact]
    public async Task A_page_that_returns_to_a_continued_message_gets_that_message()
    {
        await using var chat = await StartAsync();
        var path = $"/chats/{Guid.NewGuid()}/ui";
        using var ann = await SignInAsync(chat, "ann", "tea");
        var output = string.Join(' ', Enumerable.Repeat("far", 1_000));
        var messages = $$"""
            {"id":"c","messages":[{"id":"u1","role":"user","parts":[{"type":"text","text":"Where?"}]},
            {"id":"m1","role":"assistant","parts":[
            {"type":"tool-locate","toolCallId":"a","state":"output-available","input":{},"output":"{{output}}"}]}]}
            """;

        using var sent = await OpenAsync(ann, path, new StringContent(messages, Encoding.UTF8, "application/json"));
        var first = await FirstLineAsync(sent);
        using var again = await OpenAsync(ann, $"{path}/c/stream");
        Assert.Equal("""data: {"type":"start","messageId":"m1"}""", first);
        Assert.Equal(first, await FirstLineAsync(again));

        static async Task<string?> FirstLineAsync(HttpResponseMessage response)
        {
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));
            return await lines.ReadLineAsync(Stop);
        }
    }

    /// <summary>Sends a request, and returns once its response has begun.</summary>
    private static async Task<HttpResponseMessage> OpenAsync(HttpClient client, string path, HttpContent? body = null)
    {
        using var request = new HttpRequestMessage(
            body is null ? HttpMethod.Get : HttpMethod.Post,
            new Uri(path, UriKind.Relative)
        );
        request.Content = body;
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
    }

    private async Task<RunningSample> StartAsync()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        return await RunningSample.StartAsync(await made.BuildSampleAsync("Chat"), database.ConnectionString);
    }

    private static async Task<HttpClient> SignInAsync(RunningSample chat, string user, string password)
    {
        var client = new HttpClient { BaseAddress = chat.Address };
        var signedIn = await SendAsync(client, HttpMethod.Post, $"/login?user={user}&password={password}");
        var token = signedIn.GetProperty("accessToken").GetString();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private static async Task<JsonElement> SendAsync(
        HttpClient client,
        HttpMethod method,
        string path,
        object? body = null
    )
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Content = body is null ? null : JsonContent.Create(body);
        using var response = await client.SendAsync(request, Stop);
        return await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(Stop);
    }
}
