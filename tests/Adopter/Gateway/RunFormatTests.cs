using System.ClientModel;
using System.Net;
using System.Text;
using System.Text.Json;
using Adopter.Showing;
using Harness;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Responses;

#pragma warning disable OPENAI001, MEAI001 // for evaluation only, says the vendor

namespace Adopter.Gateway;

/// <summary>Runs of an application in the protocols of other clients.</summary>
public sealed class RunFormatTests
{
    private static readonly NpmScripts Scripts = new("Gateway/Sdk");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_vendors_clients_are_cut_off_and_go_on_in_another_process()
    {
        var database = (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString;
        await using var app = await StartAsync(database);
        await using var other = await RunFormatApp.StartAsync(database, Stop);
        await Scripts.RunAsync(
            "runs.mjs",
            [.. ((Uri[])[app.Server, other.Url]).Select(url => url.GetLeftPart(UriPartial.Authority))],
            "ok"
        );
    }

    [Fact]
    public async Task Clients_of_responses_that_ask_for_no_stream_get_one_json_answer()
    {
        await using var app = await StartAsync();
        await Scripts.RunAsync("whole.mjs", [app.Server.GetLeftPart(UriPartial.Authority)], "ok");
    }

    [Fact]
    public async Task Microsofts_client_gets_a_whole_answer_and_asks_for_one_in_the_background_until_it_is_complete()
    {
        await using var app = await StartAsync();
        using var client = new ResponsesClient(
            new ApiKeyCredential("none"),
            new ResponsesClientOptions { Endpoint = new Uri(app.Server, "/v1") }
        ).AsIChatClient("own");

        await GoOnAsync(app, "whole");
        var whole = await client.GetResponseAsync("whole", cancellationToken: Stop);
        Assert.EndsWith("word9 語 end", whole.Text, StringComparison.Ordinal);

        var options = new ChatOptions { AllowBackgroundResponses = true };
        var begun = await client.GetResponseAsync("polled", options, Stop);
        options.ContinuationToken = begun.ContinuationToken;
        Assert.NotNull(options.ContinuationToken);
        var half = await client.GetResponseAsync([], options, Stop);
        Assert.NotNull(half.ContinuationToken);

        await GoOnAsync(app, "polled");
        await app.Client.GetStringAsync($"/v1/responses/{begun.ResponseId}?stream=true", Stop);
        var later = await client.GetResponseAsync([], options, Stop);
        Assert.Equal((whole.Text, null), (later.Text, later.ContinuationToken));
    }

    /// <summary>OpenAI's package, whose clients Microsoft's read.</summary>
    [Fact]
    public async Task The_chat_client_of_NuGet_reads_a_run_whole_and_as_a_stream()
    {
        await using var app = await StartAsync();
        using var client = new ChatClient(
            "own",
            new ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = new Uri(app.Server, "/v1") }
        ).AsIChatClient();

        await GoOnAsync(app, "nuget");
        var whole = await client.GetResponseAsync("nuget", cancellationToken: Stop);
        Assert.EndsWith("word9 語 end", whole.Text, StringComparison.Ordinal);
        Assert.Equal(("own-model", 11), (whole.ModelId, whole.Usage?.OutputTokenCount));
        var streamed = await client
            .GetStreamingResponseAsync("nuget", cancellationToken: Stop)
            .ToChatResponseAsync(Stop);
        Assert.Equal(whole.Text, streamed.Text);
    }

    /// <summary>TanStack AI sends the id of its last event by itself.</summary>
    [Fact]
    public async Task An_AG_UI_run_goes_on_after_an_id_and_after_no_other()
    {
        await using var app = await StartAsync();
        await GoOnAsync(app, "ids");
        const string Body = """{"threadId":"t","runId":"ids","messages":[{"role":"user","content":"ids"}]}""";
        await SendAsync(app, "/agent", Body); // now all of it is there
        var whole = await ReadAsync(null);
        Assert.Equal(HttpStatusCode.OK, whole.Status);
        var frames = whole.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("data: ", frames[0], StringComparison.Ordinal);

        // Of the frames of a snapshot only the last has an id.
        Assert.StartsWith("data: ", frames[1], StringComparison.Ordinal);
        var last = frames[2].Split('\n')[0]["id: ".Length..];
        var run = last[..last.LastIndexOf('-')];
        var rest = (await ReadAsync($"{run}-0")).Text;
        Assert.StartsWith($"id: {run}-1\ndata: {{\"type\":\"REASONING_START\"", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("SNAPSHOT", rest, StringComparison.Ordinal);
        Assert.Contains("\"delta\":\"word9 語 \"", rest, StringComparison.Ordinal);
        var end = rest.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1].Split('\n')[0]["id: ".Length..];
        // For a client that has lost only the end of the body.
        Assert.StartsWith("data: {\"type\":\"RUN_FINISHED\"", (await ReadAsync(end)).Text, StringComparison.Ordinal);

        foreach (var foreign in (string[])[$"{run}9-0", "x", "1", $"{run}-{long.MaxValue}"])
        {
            var (status, text) = await ReadAsync(foreign);
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.Contains("is not of this run.", text, StringComparison.Ordinal);
        }

        var beyond = await ReadAsync($"{run}-9999");
        Assert.Contains("RUN_ERROR", beyond.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("word", beyond.Text, StringComparison.Ordinal);

        async Task<(HttpStatusCode Status, string Text)> ReadAsync(string? id)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/agent");
            request.Content = new StringContent(Body, Encoding.UTF8, "application/json");
            if (id is not null)
                request.Headers.Add("Last-Event-ID", id);
            using var response = await app.Client.SendAsync(request, Stop);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(Stop));
        }
    }

    [Fact]
    public async Task A_message_that_goes_on_after_a_tool_of_the_page_is_shown_once()
    {
        await using var app = await StartAsync();
        await Scripts.RunAsync("page-tool.mjs", [app.Server.GetLeftPart(UriPartial.Authority)], "ok");
    }

    [Theory]
    [InlineData("GET /v1/responses/resp_x", 404, "\"message\":\"Response with id 'resp_x' not found.\"")]
    [InlineData("GET /v1/responses/resp_x?stream=true", 404, "\"message\":\"Response with id 'resp_x' not found.\"")]
    [InlineData("GET /api/chat/x/stream", 204, "")]
    [InlineData("POST /unknown", 404, "\"type\":\"RUN_ERROR\"")]
    [InlineData("POST /unknown?format=chat-completions", 404, "{\"error\":{\"message\":\"There is no such run.\",")]
    [InlineData("POST /unknown?format=messages", 404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",")]
    [InlineData("GET /answers/x", 404, "")]
    public async Task What_is_not_there_is_answered_as_the_protocol_has_it(string request, int status, string text)
    {
        await using var app = await StartAsync();
        var (method, path) = (request.Split(' ')[0], request.Split(' ')[1]);
        using var sent = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await app.Client.SendAsync(sent, Stop);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(text, await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("responses", "[]", "{\"error\":{\"message\":\"body: must be a JSON object.\"")]
    [InlineData("responses", """{"stream":"yes"}""", "\"param\":\"stream\"")]
    [InlineData("responses", """{"background":1}""", "\"param\":\"background\"")]
    [InlineData("responses", """{"stream":false,"stream":true}""", "stream: occurs twice.")]
    [InlineData("chat-completions", "[]", "{\"error\":{\"message\":\"body: must be a JSON object.\"")]
    [InlineData("chat-completions", """{"stream":1}""", "\"param\":\"stream\"")]
    [InlineData("chat-completions", """{"stream":true,"stream_options":{"include_usage":1}}""", "include_usage")]
    [InlineData("messages", "[]", "\"type\":\"invalid_request_error\",\"message\":\"body: must be a JSON object.\"")]
    [InlineData("messages", """{"stream":1}""", "stream: must be true or false.")]
    [InlineData("ui-messages", "7", "{\"type\":\"error\",\"errorText\":\"body: must be a JSON object.\"")]
    [InlineData("ui-messages", "{}", "messages: is required.")]
    [InlineData("ui-messages", """{"messages":[]}""", "messages: must hold at least one message.")]
    [InlineData("ui-messages", """{"messages":["x"]}""", "messages[0]: must be an object.")]
    [InlineData("ui-messages", """{"messages":[{"id":1,"role":"assistant"}]}""", "messages[0].id: must be a string.")]
    [InlineData("ag-ui", "[]", "body: must be a JSON object.")]
    [InlineData("ag-ui", "{}", "threadId: is required.")]
    public async Task A_body_that_is_none_of_the_protocols_gets_400_in_its_error(
        string format,
        string body,
        string text
    )
    {
        await using var app = await StartAsync();
        using var response = await app.Client.PostAsync(Shown(format, body), null, Stop);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(text, await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    /// <summary>A client that reconnects has emptied its message; one that sends it has kept it.</summary>
    [Fact]
    public async Task A_page_that_returns_to_a_continued_message_gets_its_parts_again()
    {
        await using var app = await StartAsync();
        var continued = Shown(
            "ui-messages",
            """{"messages":[{"id":"m1","role":"assistant","parts":[{"type":"text","text":"I look."}]}]}"""
        );
        using var sent = await app.Client.PostAsync(continued, null, Stop);
        var first = await sent.Content.ReadAsStringAsync(Stop);
        var again = await app.Client.GetStringAsync(continued, Stop);

        const string start = """data: {"type":"start","messageId":"m1"}""" + "\n\n";
        Assert.StartsWith(start + """data: {"type":"start-step"}""", first, StringComparison.Ordinal);
        Assert.StartsWith(start + """data: {"type":"text-start","id":"1"}""", again, StringComparison.Ordinal);
        Assert.Contains("\"delta\":\"I look.\"}", again, StringComparison.Ordinal);
    }

    /// <summary>A JSON of the application's own does not change what is stored.</summary>
    [Fact]
    public async Task A_run_that_fails_ends_as_the_protocol_has_it_and_keeps_its_text()
    {
        await using var app = await StartAsync(json: options =>
            options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseUpper
        );
        await GoOnAsync(app, "fail");

        var chat = await SendAsync(
            app,
            "/api/chat",
            """{"id":"c","messages":[{"role":"user","parts":[{"type":"text","text":"fail"}]}]}"""
        );
        Assert.Contains("word4 語", chat, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", chat, StringComparison.Ordinal);
        Assert.Contains("""{"type":"error","errorText":"The server failed. Its log has the reason.",""", chat);

        var response = JsonElement.Parse(await app.Client.GetStringAsync("/v1/responses/resp_c", Stop));
        Assert.Equal("failed", response.GetProperty("status").GetString());
        Assert.Contains("word4", response.GetProperty("output").GetRawText(), StringComparison.Ordinal);

        var run = await SendAsync(
            app,
            "/agent",
            """{"threadId":"t","runId":"c","messages":[{"role":"user","content":"fail"}]}"""
        );
        Assert.Contains("MESSAGES_SNAPSHOT", run, StringComparison.Ordinal);
        Assert.Contains("RUN_ERROR", run, StringComparison.Ordinal);
    }

    private static string Shown(string format, string body) => $"/shown/{format}?body={Uri.EscapeDataString(body)}";

    private static async Task GoOnAsync(SmallApp app, string question)
    {
        using var more = await app.Client.PostAsync($"/more?question={question}", null, Stop);
        Assert.Equal(HttpStatusCode.OK, more.StatusCode);
    }

    private static async Task<string> SendAsync(SmallApp app, string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await app.Client.PostAsync(path, content, Stop);
        return await response.Content.ReadAsStringAsync(Stop);
    }

    private static async Task<SmallApp> StartAsync(
        string? database = null,
        Action<Microsoft.AspNetCore.Http.Json.JsonOptions>? json = null
    ) =>
        await SmallApp.StartAsync(
            app =>
            {
                RunFormatApp.Map(app);
                app.MapPost(
                        "/unknown",
                        (string? format) =>
                            TypedResults.RunStream(
                                "answers.x",
                                FormatOf(format, JsonElement.Parse("""{"threadId":"t","runId":"x"}"""))
                            )
                    )
                    .AllowAnonymous();
                app.MapMethods("/shown/{format}", [HttpMethods.Get, HttpMethods.Post], ShowAsync).AllowAnonymous();
            },
            builder =>
            {
                RunFormatApp.Add(builder);
                if (json is not null)
                    builder.Services.ConfigureHttpJsonOptions(json);
            },
            database ?? (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString
        );

    /// <summary>Shows a run to a request whose body the application has read.</summary>
    private static async Task<IResult> ShowAsync(string format, string body, IRuns runs)
    {
        await runs.StartAsync("answers.y", (_, _) => Task.CompletedTask);
        var json = JsonElement.Parse(body);
        return TypedResults.RunStream("answers.y", FormatOf(format, json));
    }

    private static RunFormat FormatOf(string? format, JsonElement body) =>
        format switch
        {
            "chat-completions" => RunFormat.ChatCompletions(body),
            "messages" => RunFormat.Messages(body),
            "responses" => RunFormat.Responses(body),
            "ui-messages" => RunFormat.UiMessages(body),
            _ => RunFormat.AgUi(body),
        };
}
