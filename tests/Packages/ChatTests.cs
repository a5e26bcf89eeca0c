using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
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
