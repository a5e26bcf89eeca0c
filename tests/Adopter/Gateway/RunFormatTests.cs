using System.Net;
using System.Text;
using System.Text.Json;
using Adopter.Showing;
using Harness;

namespace Adopter.Gateway;

/// <summary>Runs of an application in the protocols of other clients.</summary>
public sealed class RunFormatTests
{
    private static readonly NpmScripts Scripts = new("Gateway/Sdk");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Three_vendors_clients_are_cut_off_and_go_on_in_another_process()
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

    [Theory]
    [InlineData("GET /v1/responses/resp_x", 404, "\"message\":\"Response with id 'resp_x' not found.\"")]
    [InlineData("GET /v1/responses/resp_x?stream=true", 404, "\"message\":\"Response with id 'resp_x' not found.\"")]
    [InlineData("GET /api/chat/x/stream", 204, "")]
    [InlineData("POST /unknown", 404, "\"type\":\"RUN_ERROR\"")]
    [InlineData("GET /answers/x", 404, "")]
    [InlineData("POST /unnamed", 400, "threadId")]
    public async Task What_is_not_there_is_answered_as_the_protocol_has_it(string request, int status, string text)
    {
        await using var app = await StartAsync();
        var (method, path) = (request.Split(' ')[0], request.Split(' ')[1]);
        using var sent = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await app.Client.SendAsync(sent, Stop);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(text, await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    /// <summary>A JSON of the application's own does not change what is stored.</summary>
    [Fact]
    public async Task A_run_that_fails_ends_as_the_protocol_has_it_and_keeps_its_text()
    {
        await using var app = await StartAsync(json: options =>
            options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseUpper
        );
        using (var more = await app.Client.PostAsync("/more?question=fail", null, Stop))
            Assert.Equal(HttpStatusCode.OK, more.StatusCode);

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
                        () =>
                            TypedResults.RunStream(
                                "answers.x",
                                RunFormat.AgUi(JsonElement.Parse("""{"threadId":"t","runId":"x"}"""))
                            )
                    )
                    .AllowAnonymous();
                app.MapPost(
                        "/unnamed",
                        async (IRuns runs) =>
                        {
                            await runs.StartAsync("answers.y", (_, _) => Task.CompletedTask);
                            return TypedResults.RunStream("answers.y", RunFormat.AgUi(JsonElement.Parse("{}")));
                        }
                    )
                    .AllowAnonymous();
            },
            builder =>
            {
                RunFormatApp.Add(builder);
                if (json is not null)
                    builder.Services.ConfigureHttpJsonOptions(json);
            },
            database ?? (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString
        );
}
