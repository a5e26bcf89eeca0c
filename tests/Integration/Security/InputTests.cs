using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>Malformed requests get a clear error.</summary>
public sealed class InputTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private static readonly string[] Bodies =
    [
        "/v1/events",
        "/v1/stream-tickets",
        "/tasks",
        "/v1/orders",
        "/v1/generations",
        "/v1/events/stream",
        "/items/stream",
    ];

    public static TheoryData<string> Endpoints => [.. Bodies];

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task Depth_encoding_and_charset_are_refused_by_their_names(string path)
    {
        var deep = string.Concat(Enumerable.Repeat("[", 70)) + string.Concat(Enumerable.Repeat("]", 70));
        await RefusedAsync(
            path,
            Encoding.UTF8.GetBytes($$"""{"topic":"a","type":"t","data":{{deep}}}"""),
            "application/json",
            400,
            "deeper than 64"
        );
        await RefusedAsync(path, [.. "{\"title\":\""u8, 0xC3, 0x28, .. "\"}"u8], "application/json", 400, "not UTF-8");
        await RefusedAsync(
            path,
            Encoding.Latin1.GetBytes("{\"title\":\"é\"}"),
            "application/json; charset=iso-8859-1",
            415,
            "utf-8"
        );
        await RefusedAsync(path, "{"u8.ToArray(), "application/json; charset=\"UTF-8\"", 400, "not JSON");
    }

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task A_compressed_body_is_415_and_not_called_invalid_text(string path)
    {
        await RefusedAsync(path, [0x1F, 0x8B, 8, 0], "application/json", 415, "uncompressed", "gzip");
        await RefusedAsync(path, "{"u8.ToArray(), "application/json", 400, "not JSON", "identity");
        if (path == "/v1/events")
            await RefusedAsync(path, [0x1F, 0x8B, 8, 0], "application/x-ndjson", 415, "uncompressed", "gzip");
    }

    [Fact]
    public async Task A_bulk_line_must_be_UTF8()
    {
        await RefusedAsync(
            "/v1/events",
            [.. "{\"topic\":\"a\",\"type\":\"t\",\"data\":\""u8, 0xFF, .. "\"}"u8],
            "application/x-ndjson",
            400,
            "not UTF-8"
        );
        await RefusedAsync("/v1/events", "{}"u8.ToArray(), "application/x-ndjson; charset=utf-16", 415, "utf-8");
    }

    [Theory]
    [InlineData("/v1/events/stream?topic=", "topic")]
    [InlineData("/v1/events/stream?topic=a&topic=", "topic")]
    [InlineData("/v1/events/stream?type=", "type")]
    [InlineData("/v1/events?topic=", "topic")]
    [InlineData("/v1/events?type=%00", "type")]
    [InlineData("/v1/events/stream?type=a%0Ab", "type")]
    [InlineData("/v1/events?key=a%00b", "key")]
    [InlineData("/v1/events/stream?topic=a..b", "topic")]
    [InlineData("/v1/events/stream?topic=$sys..b", "topic")]
    public async Task A_filter_that_means_nothing_is_400(string path, string field)
    {
        using var response = await SecureSystem.SendAsync(
            shared.World.A,
            HttpMethod.Get,
            path,
            key: SecureSystem.OperatorKey
        );
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.True(
            JsonDocument
                .Parse(await response.Content.ReadAsStringAsync())
                .RootElement.GetProperty("errors")
                .TryGetProperty(field, out _)
        );
    }

    [Theory]
    [InlineData("""{"topics":[null]}""")]
    [InlineData("""{"topics":["a"],"types":[null]}""")]
    [InlineData("""{"topics":["a"],"keys":[""]}""")]
    [InlineData("""{"topics":["a"],"types":["\u0000"]}""")]
    [InlineData("""{"topics":["\ud800"]}""")]
    [InlineData("""{"topics":{}}""")]
    [InlineData("[]")]
    public async Task A_subscription_in_a_body_is_checked_like_a_query(string body) =>
        Assert.Equal(
            HttpStatusCode.BadRequest,
            await SecureSystem.StatusAsync(
                shared.World.A,
                HttpMethod.Post,
                "/v1/events/stream",
                key: SecureSystem.OperatorKey,
                body: new StringContent(body, null, "application/json")
            )
        );

    /// <summary>Published text cannot become a line of the protocol (HTML Living Standard §9.2.5).</summary>
    [Fact]
    public async Task Published_text_cannot_forge_a_frame()
    {
        var topic = $"forge.{Guid.NewGuid():N}";

        await using var reader = await SecureSystem.OpenAsync(
            shared.World.A,
            $"/v1/events/stream?topic={topic}",
            Tokens.Of("ann", subscribe: [topic])
        );

        await reader.WaitAsync(r => r.LastId is not null);

        string[] evil =
        [
            "x\n\nevent: forged\ndata: 1\n\n",
            "x\r\revent: forged\rdata: 1\r\r",
            "x\r\n\r\nid: 1\r\n\r\n",
            "\u2028\u2029\u0085",
            "\0",
        ];

        foreach (var text in evil)
        {
            Assert.Equal(
                HttpStatusCode.BadRequest,
                await SecureSystem.StatusAsync(
                    shared.World.A,
                    HttpMethod.Post,
                    "/v1/events",
                    key: SecureSystem.OperatorKey,
                    body: new EventBody(text, "n", 1)
                )
            );
            if (text[0] == 'x')
                Assert.Equal(
                    HttpStatusCode.BadRequest,
                    await SecureSystem.StatusAsync(
                        shared.World.A,
                        HttpMethod.Post,
                        "/v1/events",
                        key: SecureSystem.OperatorKey,
                        body: new EventBody(topic, text, 1)
                    )
                );
            await SecureSystem.PublishAsync(
                shared.World.A,
                new EventBody(topic, "n", text, text.Replace("\0", "", StringComparison.Ordinal))
            );
        }

        await reader.WaitForEventsAsync(evil.Length);
        Assert.Equal(evil, reader.Events.Select(e => JsonSerializer.Deserialize<string>(e.Data!)));
        Assert.DoesNotContain(reader.Frames, f => f.Event == "forged" || f.Id == "1");
        Assert.Equal(
            HttpStatusCode.OK,
            await SecureSystem.StatusAsync(
                shared.World.A,
                HttpMethod.Get,
                $"/v1/events/stream?topic={topic}",
                key: SecureSystem.OperatorKey,
                lastId: "a\u0009b"
            )
        );
    }

    private async Task RefusedAsync(
        string path,
        byte[] body,
        string type,
        int status,
        string says,
        string? coding = null
    )
    {
        using var content = new ByteArrayContent(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } };
        if (coding is not null)
            content.Headers.ContentEncoding.Add(coding);
        using var response = await SecureSystem.SendAsync(
            shared.World.A,
            HttpMethod.Post,
            path,
            key: SecureSystem.OperatorKey,
            body: content
        );
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(
            status == (int)response.StatusCode && text.Contains(says, StringComparison.Ordinal),
            $"{path} {type}: {response.StatusCode} {text}"
        );
    }
}
