using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>Malformed bodies get a clear error, and no text becomes a frame; malformed filters are rows of
/// <see cref="RefusalTests"/>.</summary>
public sealed class InputTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private const string Json = "application/json",
        Ndjson = "application/x-ndjson";

    private Uri A => shared.World.A;

    [Theory]
    [InlineData("/v1/events")]
    [InlineData("/v1/stream-tickets")]
    [InlineData("/tasks")]
    [InlineData("/v1/orders")]
    [InlineData("/v1/generations")]
    [InlineData("/v1/events/stream")]
    [InlineData("/items/stream")]
    public async Task Depth_encoding_charset_and_compression_are_refused_by_their_names(string path)
    {
        var deep = new string('[', 70) + new string(']', 70);
        await RefusedAsync(path, $$"""{"topic":"a","type":"t","data":{{deep}}}""", Json, 400, "deeper than 64");
        await RefusedAsync(path, [.. "{\"title\":\""u8, 0xC3, 0x28, .. "\"}"u8], Json, 400, "not UTF-8");
        await RefusedAsync(path, [.. "{\"title\":\""u8, 0xE9, .. "\"}"u8], $"{Json}; charset=iso-8859-1", 415, "utf-8");
        await RefusedAsync(path, "{", $"{Json}; charset=\"UTF-8\"", 400, "not JSON");
        await RefusedAsync(path, [0x1F, 0x8B, 8, 0], Json, 415, "uncompressed", "gzip");
        await RefusedAsync(path, "{", Json, 400, "not JSON", "identity");
    }

    [Fact]
    public async Task A_bulk_line_must_be_uncompressed_UTF8()
    {
        byte[] latin = [.. "{\"topic\":\"a\",\"type\":\"t\",\"data\":\""u8, 0xFF, .. "\"}"u8];
        await RefusedAsync("/v1/events", latin, Ndjson, 400, "not UTF-8");
        await RefusedAsync("/v1/events", "{}", $"{Ndjson}; charset=utf-16", 415, "utf-8");
        await RefusedAsync("/v1/events", [0x1F, 0x8B, 8, 0], Ndjson, 415, "uncompressed", "gzip");
    }

    /// <summary>Its next request on the connection would be taken for the body (RFC 9110 §10.1.1).</summary>
    [Fact]
    public async Task A_client_that_waits_to_send_its_body_is_told_that_a_refusal_closes_the_connection()
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(A, "/v1/events"));
        request.Headers.ExpectContinue = true;
        request.Content = new StringContent("{}", Encoding.UTF8, Json);

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((401, true), ((int)response.StatusCode, response.Headers.ConnectionClose));
    }

    /// <summary>Published text cannot become a line of the protocol (HTML Living Standard §9.2.5).</summary>
    [Fact]
    public async Task Published_text_cannot_forge_a_frame()
    {
        var topic = $"forge.{Guid.NewGuid():N}";
        var path = $"/v1/events/stream?topic={topic}";
        await using var reader = await SecureSystem.OpenAsync(A, path, Tokens.Of("ann", subscribe: [topic]));

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
            await A.ExpectAsync(400, "POST /v1/events", SecureSystem.OperatorKey, new EventBody(text, "n", 1));
            if (text[0] == 'x')
                await A.ExpectAsync(400, "POST /v1/events", SecureSystem.OperatorKey, new EventBody(topic, text, 1));
            var key = text.Replace("\0", "", StringComparison.Ordinal);
            await SecureSystem.PublishAsync(A, new EventBody(topic, "n", text, key));
        }

        await reader.WaitForEventsAsync(evil.Length);
        Assert.Equal(evil, reader.Events.Select(e => JsonSerializer.Deserialize<string>(e.Data!)));
        Assert.DoesNotContain(reader.Frames, f => f.Event == "forged" || f.Id == "1");
        await A.ExpectAsync(200, $"GET {path}", SecureSystem.OperatorKey, lastId: "a\u0009b");
    }

    private Task RefusedAsync(string path, string body, string type, int status, string says, string? coding = null) =>
        RefusedAsync(path, Encoding.UTF8.GetBytes(body), type, status, says, coding);

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
        var text = await A.ExpectAsync(status, $"POST {path}", SecureSystem.OperatorKey, content);
        Assert.Contains(says, text, StringComparison.Ordinal);
    }
}
