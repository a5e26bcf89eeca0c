using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Harness;

/// <summary>Makes requests for the operations of an OpenAPI document.</summary>
internal sealed class FuzzedRequests(JsonElement document, Random random, string key, string token, string ticket)
{
    private static readonly string[] Names =
    [
        "topic",
        "topics",
        "type",
        "types",
        "key",
        "keys",
        "data",
        "id",
        "text",
        "title",
        "petId",
        "quantity",
        "userId",
        "price",
        "stock",
        "times",
        "messages",
        "role",
        "content",
        "model",
        "provider",
        "max_tokens",
        "maxTokens",
        "stream",
        "stream_options",
        "tools",
        "temperature",
        "expiresIn",
        "named",
        "from",
        "last_event_id",
        "envelope",
        "slow",
        "limit",
        "after",
        "prefix",
        "sort",
        "filter",
        "new_status",
        "prompt",
        "scope",
        "system",
    ];

    private static readonly string[] Texts =
    [
        "",
        " ",
        "a",
        "a.b",
        "orders.>",
        "*",
        ">",
        "$sys.>",
        "$sys",
        "a..b",
        "todo",
        "done",
        "true",
        "false",
        "earliest",
        "head",
        "latest",
        "disconnect",
        "demo",
        "user",
        "system",
        "0",
        "1",
        "-1",
        "9999999999999999999999",
        "1e400",
        "NaN",
        "null",
        "こんにちは",
        "😀",
        "a\0b",
        "a\r\nb: c",
        "\n\ndata: forged\n\n",
        "../../etc/passwd",
        "%2e%2e%2f",
        "' or 1=1 --",
        "\"; drop table x; --",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "<script>alert(1)</script>",
        "0123456789-5",
        "zzzz-1",
        "00000000-0000-4000-8000-000000000000",
        "019b4132",
        "-latencyMs.p99",
        "connected",
        "error",
        "\u202E",
        "\uFFFE",
        "İ",
        "ß",
    ];

    private readonly (string Path, string Method, JsonElement Operation)[] _operations =
    [
        .. document
            .GetProperty("paths")
            .EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject().Select(o => (p.Name, o.Name.ToUpperInvariant(), o.Value))),
    ];

    /// <summary>Returns the next request and its description.</summary>
    public (HttpRequestMessage Request, string Text) Next(Uri server)
    {
        var (path, method, operation) = _operations[random.Next(_operations.Length)];
        if (operation.TryGetProperty("x-sse-events", out _) && random.Next(6) == 0)
            method = "QUERY";

        if (random.Next(40) == 0)
            method = Pick("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "FOO");

        var address =
            string.Join(
                '/',
                path.Split('/')
                    .Select(s =>
                        s.StartsWith('{')
                            ? Uri.EscapeDataString(Text(200)) is { Length: > 0 } t and not ("." or "..")
                                ? t
                                : "x"
                            : s
                    )
            ) + Query(operation);

        var request = new HttpRequestMessage(new HttpMethod(method), new Uri(server, address));
        var body = "";
        if (method is not ("GET" or "HEAD") && random.Next(10) > 0)
            (request.Content, body) = Content();

        Credentials(request, ref address);

        if (random.Next(5) == 0)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", Line(Text(100)));

        if (random.Next(20) == 0)
            request.Headers.TryAddWithoutValidation(
                Pick(
                    "Accept",
                    "Accept-Encoding",
                    "Origin",
                    "Range",
                    "If-None-Match",
                    "X-Forwarded-For",
                    "traceparent",
                    "Cookie",
                    "Expect"
                ),
                Line(Text(100))
            );

        return (request, $"{method} {address} {body}");
    }

    private void Credentials(HttpRequestMessage request, ref string address)
    {
        switch (random.Next(24))
        {
            case 0:
                break;
            case 1:
                request.Headers.TryAddWithoutValidation(
                    "Authorization",
                    Pick("Bearer ", "Basic ", "") + Line(Text(300))
                );

                break;
            case 2:
                request.Headers.TryAddWithoutValidation("X-Api-Key", Line(Text(300)));
                break;
            case 3:
                request.Headers.TryAddWithoutValidation(
                    "Authorization",
                    "Bearer " + token[..random.Next(token.Length)]
                );

                break;
            case 4 or 5:
                address +=
                    (address.Contains('?') ? "&" : "?")
                    + "ticket="
                    + (random.Next(3) == 0 ? Uri.EscapeDataString(Text(300)) : ticket);

                request.RequestUri = new Uri(request.RequestUri!, address);
                break;
            case 6 or 7:
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
                break;
            default:
                request.Headers.Add("X-Api-Key", key);
                break;
        }
    }

    private string Query(JsonElement operation)
    {
        var described = operation.TryGetProperty("parameters", out var parameters)
            ? parameters
                .EnumerateArray()
                .Where(p => p.GetProperty("in").GetString() == "query")
                .Select(p => p.GetProperty("name").GetString()!)
                .ToArray()
            : [];
        var pairs = new List<string>();
        foreach (var name in described)
            if (random.Next(3) == 0)
                pairs.Add($"{name}={Uri.EscapeDataString(Text(200))}");

        for (var n = random.Next(-2, 3); n > 0; n--)
            pairs.Add(
                $"{Names[random.Next(Names.Length)]}="
                    + $"{(random.Next(10) == 0 ? "%ff%fe%zz" : Uri.EscapeDataString(Text(100)))}"
            );

        return pairs.Count == 0 ? "" : "?" + string.Join('&', pairs);
    }

    private (HttpContent Content, string Text) Content()
    {
        var bytes = random.Next(12) switch
        {
            0 => Garbage(random.Next(200)),
            1 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Pick("[", "{\"a\":"), random.Next(1, 300)))),
            2 => [.. Json(0).SelectMany(c => Encoding.UTF8.GetBytes(c.ToString())).Take(random.Next(50))],
            3 when random.Next(10) == 0 => Encoding.UTF8.GetBytes(
                $$"""{"topic":"a","type":"t","data":"{{new string('x', random.Next(2_000_000))}}"}"""
            ),
            4 => Encoding.UTF8.GetBytes($$"""{"topic":"fuzz.{{random.Next(50)}}","type":"t","data":{{Json(1)}}}"""),
            5 => Encoding.UTF8.GetBytes(
                $$"""
                {"messages":[{"role":"user","content":{{JsonSerializer.Serialize(Text(100))}}}],
                "model":"demo","max_tokens":{{random.Next(1, 50)}},"stream":{{Pick("true", "false")}}}
                """
            ),
            _ => Encoding.UTF8.GetBytes(Object(0)),
        };

        var content = new ByteArrayContent(bytes);
        content.Headers.TryAddWithoutValidation(
            "Content-Type",
            random.Next(8) == 0
                ? Pick(
                    "application/x-ndjson",
                    "text/plain",
                    "application/json; charset=utf-16",
                    "application/json; charset=",
                    "multipart/form-data",
                    "*/*",
                    "x",
                    "application/problem+json"
                )
                : "application/json"
        );

        return (content, Encoding.UTF8.GetString(bytes, 0, Math.Min(bytes.Length, 300)));
    }

    private string Json(int depth) =>
        random.Next(depth > 4 ? 5 : 8) switch
        {
            0 => "null",
            1 => Pick("true", "false"),
            2 => Pick("0", "-1", "1.5", "1e300", "123456789012345678901234567890", "1e-999"),
            3 => Pick("\"\\ud800\"", "\"\\u0000\"", "\"\\udc00\\ud800\""),
            4 => JsonSerializer.Serialize(Text(100)),
            5 => $"[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Json(depth + 1)))}]",
            _ => Object(depth),
        };

    private string Object(int depth) =>
        "{"
        + string.Join(
            ',',
            Enumerable.Range(0, random.Next(6)).Select(_ => $"\"{Names[random.Next(Names.Length)]}\":{Json(depth + 1)}")
        )
        + "}";

    private string Text(int most) =>
        random.Next(12) switch
        {
            0 => new string((char)random.Next(32, 0x250), random.Next(most * 3)),
            1 => string.Concat(Enumerable.Range(0, random.Next(most)).Select(_ => (char)random.Next(1, 0xD7FF))),
            _ => Texts[random.Next(Texts.Length)],
        };

    /// <summary>Reduces a header's value to one line, because the client itself would refuse others.</summary>
    private static string Line(string text) => string.Concat(text.Where(c => c is >= ' ' and < (char)0x7F));

    private byte[] Garbage(int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private string Pick(params string[] from) => from[random.Next(from.Length)];
}
