using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Integration.Seeds;

/// <summary>A name that an endpoint does not know may be a misspelt filter: it is refused, so that no client gets more
/// than it asked for.</summary>
public sealed class UnknownNameTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    private const string Unknown = "is not known here";

    [Theory]
    [InlineData("/v1/events/stream?topic[]=a", "topic[]", "did you mean topic?")]
    [InlineData("/v1/events/stream?Topic_=a", "Topic_", "did you mean topic?")]
    [InlineData("/v1/events/stream?channel=a", "channel", "topic, topics, type, types, key, keys, envelope")]
    [InlineData("/v1/events/stream?topic=a&types[]=b", "types[]", "did you mean type?")]
    [InlineData("/v1/events/stream?topic=a&event=b", "event", "type")]
    [InlineData("/v1/events/stream?topic=a&named=true", "named", "envelope")]
    [InlineData("/v1/events/stream?_topic=a", "_topic", "did you mean topic?")]
    [InlineData("/v1/events/stream?utm_topic=a", "utm_topic", "did you mean topic?")]
    [InlineData("/v1/events?topic=a&_types[]=a", "_types[]", "did you mean type?")]
    [InlineData("/v1/events?topic[]=a", "topic[]", "did you mean topic?")]
    [InlineData("/v1/events?topic=a&last_event_id=b", "last_event_id", "after")]
    [InlineData("/v1/topics?prefixes=a", "prefixes", "prefix")]
    [InlineData("/v1/topics?topic=a", "topic", "prefix, limit, after")]
    [InlineData("/v1/connections?filters=a", "filters", "did you mean filter?")]
    [InlineData("/v1/connections?topic=a", "topic", "filter, sort, limit, after")]
    [InlineData("/v1/connections/stream?user=a", "user", "filter")]
    [InlineData("/v1/replicas/stats?since=1", "since", "after")]
    [InlineData("/v1/pets?specie=cat", "specie", "species")]
    [InlineData("/v1/pets?name=Momo", "name", "species")]
    [InlineData("/v1/pets/recommendations/stream?userId=a&limit=1", "limit", "named, userId")]
    [InlineData("/v1/inventory/stream?petId=a", "petId", "named")]
    [InlineData("/tasks?state=done", "state", "limit, status, after")]
    [InlineData("/events/stream?event=task_updated", "event", "types, type")]
    [InlineData("/sse/events?topic=a", "topic", "named, from, slow, last_event_id, lastEventId, ticket")]
    [InlineData("/stream?prompt=a&modle=demo", "modle", "model")]
    [InlineData("/items/stream?name=Plumbus", "name", "named")]
    public async Task An_unknown_name_of_a_query_is_refused_with_the_known_ones(string path, string field, string says)
    {
        using var response = await SeedRequests.SendAsync(A, HttpMethod.Get, path);
        await RefusedAsync(response, field, Unknown, says);
    }

    [Theory]
    [InlineData("/v1/events/stream", """{"topics":["a"],"typ":["b"]}""", "typ", "type")]
    [InlineData("/v1/events/stream", """{"channel":"a"}""", "channel", "topic, topics")]
    [InlineData("/v1/events/stream", """{"filter":{"topics":["a"]}}""", "filter", "topic, topics")]
    [InlineData("/v1/events/stream", """{"_topics":["a"]}""", "_topics", "did you mean topic?")]
    [InlineData("/events/stream", """{"event":"task_updated"}""", "event", "types, type")]
    [InlineData("/v1/connections/stream", """{"user":"a"}""", "user", "filter")]
    [InlineData("/sse/events", """{"topics":["a"]}""", "topics", "named")]
    [InlineData("/v1/pets/recommendations/stream", """{"userId":"a","user_id":"b"}""", "user_id", "userId")]
    public async Task An_unknown_member_of_a_body_is_refused_too(string path, string body, string field, string says)
    {
        foreach (var method in (string[])["POST", "QUERY"])
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var response = await SeedRequests.SendAsync(A, new HttpMethod(method), path, content);
            await RefusedAsync(response, field, Unknown, says);
        }
    }

    [Theory]
    [InlineData("/v1/events/stream", "ticket")]
    [InlineData("/v1/events/stream", "Ticket")]
    [InlineData("/v1/events/stream", "tickets")]
    [InlineData("/v1/events/stream", "_ticket")]
    [InlineData("/v1/events/stream", "utm_ticket")]
    [InlineData("/events/stream", "ticket")]
    [InlineData("/sse/events", "ticket")]
    [InlineData("/stream", "ticket")]
    public async Task A_ticket_in_a_body_is_refused_and_belongs_in_the_query(string path, string name)
    {
        foreach (var method in (string[])["POST", "QUERY"])
        {
            using var content = JsonContent.Create(new Dictionary<string, string> { [name] = "t" });
            using var response = await SeedRequests.SendAsync(A, new HttpMethod(method), path, content);
            await RefusedAsync(response, "ticket", "belongs in the query", "?ticket=");
        }
    }

    [Fact]
    public async Task The_known_names_of_a_body_have_no_ticket()
    {
        using var content = JsonContent.Create(new { channel = "a" });
        using var response = await SeedRequests.SendAsync(A, HttpMethod.Post, "/v1/events/stream", content);
        Assert.DoesNotContain("ticket", await response.TextAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("token")]
    [InlineData("access_token")]
    [InlineData("bearer")]
    [InlineData("authorization")]
    [InlineData("Authorization")]
    [InlineData("apiKey")]
    [InlineData("api_key")]
    [InlineData("x-api-key")]
    public async Task A_credential_in_a_streams_body_is_never_ignored(string name)
    {
        foreach (var path in (string[])["/v1/events/stream", "/events/stream", "/sse/events", "/stream"])
        {
            using var content = JsonContent.Create(new Dictionary<string, string> { [name] = "t" });
            using var response = await SeedRequests.SendAsync(A, HttpMethod.Post, path, content);
            await RefusedAsync(response, name);
        }
    }

    [Theory]
    [InlineData("""{"topics":["a"],"expires_in":60}""", "expires_in", "did you mean expiresIn?")]
    [InlineData("""{"topics":["a"],"ExpiresIn":60}""", "ExpiresIn", "did you mean expiresIn?")]
    [InlineData("""{"topics":["a"],"ttl":60}""", "ttl", "topics, expiresIn")]
    [InlineData("""{"topic":["a"]}""", "topic", "did you mean topics?")]
    public async Task An_unknown_member_of_a_request_for_a_ticket_is_refused(string body, string field, string says)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await SeedRequests.SendAsync(A, HttpMethod.Post, "/v1/stream-tickets", content);
        await RefusedAsync(response, field, Unknown, says);
    }

    [Theory]
    [InlineData(
        "POST",
        "/v1/generations",
        """{"messages":[{"role":"user","content":"a"}],"max_tokns":5}""",
        "max_tokns"
    )]
    [InlineData("POST", "/session", """{"modle":"demo"}""", "modle")]
    [InlineData("POST", "/v1/orders", """{"petId":"p1","quantty":5}""", "quantty")]
    [InlineData("PATCH", "/v1/pets/p1", """{"stock":1,"prize":5}""", "prize")]
    public async Task An_unknown_member_of_what_is_begun_or_changed_is_refused(
        string method,
        string path,
        string body,
        string field
    )
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await SeedRequests.SendAsync(A, new HttpMethod(method), path, content);
        await RefusedAsync(response, field, Unknown);
    }

    [Fact]
    public async Task An_unknown_member_of_a_message_to_a_session_is_refused()
    {
        using var created = await SeedRequests.SendAsync(A, HttpMethod.Post, "/session");
        var session = (await created.JsonAsync()).Text("session_id");
        using var content = new StringContent("""{"content":"a","tols":[]}""", Encoding.UTF8, "application/json");
        using var response = await SeedRequests.SendAsync(A, HttpMethod.Post, $"/message/{session}", content);
        await RefusedAsync(response, "tols", Unknown, "content");
    }

    [Theory]
    [InlineData("/v1/events/stream?topics=", "topic")]
    [InlineData("/v1/events/stream?topic=a&topics=", "topic")]
    [InlineData("/v1/events/stream?topics=a..b", "topic")]
    [InlineData("/v1/events?types=", "type")]
    [InlineData("/v1/topics?prefix=", "prefix")]
    [InlineData("/v1/connections?filter=", "filter")]
    [InlineData("/v1/connections/stream?filter=", "filter")]
    [InlineData("/v1/pets?species=", "species")]
    [InlineData("/tasks?status=", "status")]
    [InlineData("/events/stream?types=", "types")]
    [InlineData("/events/stream?types=,", "types")]
    [InlineData("/events/stream?type=task_updated&types=", "types")]
    public async Task A_filter_without_a_value_is_refused(string path, string field)
    {
        using var response = await SeedRequests.SendAsync(A, HttpMethod.Get, path);
        await RefusedAsync(response, field);
    }

    [Theory]
    [InlineData("/v1/events/stream", """{"topics":[]}""", "topics")]
    [InlineData("/v1/events/stream", """{"topics":null}""", "topic")]
    [InlineData("/v1/events/stream", """{"topics":["a"],"type":null}""", "type")]
    [InlineData("/events/stream", """{"types":null}""", "types")]
    [InlineData("/v1/connections/stream", """{"filter":null}""", "filter")]
    [InlineData("/v1/events/stream", """{"topics":["a"],"topics":["b"]}""", "topics")]
    [InlineData("/v1/events/stream", """{"topics":["a"],"Topics":["b"]}""", "Topics")]
    [InlineData("/v1/stream-tickets", """{"topics":["a"],"topics":["b"]}""", "topics")]
    [InlineData("/v1/events/stream", """{"topics":["a"],"type":[]}""", "type")]
    [InlineData("/v1/events/stream", """{"topics":[""]}""", "topic")]
    [InlineData("/events/stream", """{"types":[]}""", "types")]
    [InlineData("/v1/connections/stream", """{"filter":""}""", "filter")]
    public async Task A_filter_without_a_value_in_a_body_is_refused(string path, string body, string field)
    {
        foreach (
            var method in path.EndsWith("tickets", StringComparison.Ordinal) ? ["POST"] : (string[])["POST", "QUERY"]
        )
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var response = await SeedRequests.SendAsync(A, new HttpMethod(method), path, content);
            await RefusedAsync(response, field);
        }
    }

    [Fact]
    public async Task A_filter_is_known_by_its_singular_and_its_plural()
    {
        var root = $"names.{Guid.NewGuid():N}";
        await World.PublishAsync(
            World.Replicas[0],
            new EventBody($"{root}.a", "x", 1, "k"),
            new EventBody($"{root}.b", "x", 2, "k"),
            new EventBody($"{root}.a", "y", 3, "k"),
            new EventBody($"{root}.a", "x", 4, "l"),
            new EventBody($"{root}.c", "x", 5, "k")
        );

        foreach (
            var query in (string[])
                [
                    $"topic={root}.a&topic={root}.b&type=x&key=k",
                    $"topics={root}.a&topics={root}.b&types=x&keys=k",
                    $"topic={root}.a&topics={root}.b&TYPE=x&keys=k",
                    $"topics={root}.a&topic={root}.b&type=x&types=z&key=k&_=1&utm_source=mail",
                ]
        )
        {
            var page = await SeedRequests.GetAsync(A, $"/v1/events?{query}");
            Assert.Equal([1, 2], page.Items("events").Select(e => e.GetProperty("data").GetInt32()));

            await using var stream = await SseReader.OpenAsync(A, $"/v1/events/stream?{query}&from=earliest");
            await stream.WaitForEventsAsync(2);
            Assert.Equal(["1", "2"], stream.Events.Select(e => e.Data));
        }

        foreach (
            var body in (object[])
                [
                    new
                    {
                        topics = new[] { $"{root}.a", $"{root}.b" },
                        types = new[] { "x" },
                        keys = new[] { "k" },
                    },
                    new
                    {
                        topic = $"{root}.a",
                        topics = $"{root}.b",
                        type = "x",
                        key = new[] { "k" },
                    },
                ]
        )
        {
            using var content = JsonContent.Create(body);
            await using var stream = await SseReader.OpenAsync(
                A,
                "/v1/events/stream?from=earliest",
                method: HttpMethod.Post,
                body: content
            );
            await stream.WaitForEventsAsync(2);
            Assert.Equal(["1", "2"], stream.Events.Select(e => e.Data));
        }
    }

    /// <summary>The document and the check have the names from one place.</summary>
    [Fact]
    public async Task Each_stream_and_list_refuses_a_name_that_the_document_does_not_have_and_knows_those_that_it_has()
    {
        var paths = (await SeedRequests.GetAsync(A, "/openapi/v1.json")).GetProperty("paths");
        var checkedOperations = 0;
        var wrong = new List<string>();

        foreach (var path in paths.EnumerateObject())
        {
            if (!path.Value.TryGetProperty("get", out var get))
                continue;

            var names = get.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Where(p => p.Text("in") == "query").Select(p => p.Text("name")!).ToList()
                : [];
            // AI SDK's clients may send what they like.
            var isOurs = get.TryGetProperty("x-sse-events", out _) && path.Name != "/api/chat/{id}/stream";
            if (names.Count == 0 && !isOurs)
                continue;

            checkedOperations++;
            var address = string.Join('/', path.Name.Split('/').Select(part => part.StartsWith('{') ? "a" : part));
            if (!await IsUnknownAsync($"{address}?nonsense=a"))
                wrong.Add($"{address} takes any name");
            foreach (var name in names)
                if (await IsUnknownAsync($"{address}?{name}=%00"))
                    wrong.Add($"{address} does not take {name}");
        }

        Assert.Empty(wrong);
        Assert.True(checkedOperations >= 17, $"{checkedOperations} operations");

        async Task<bool> IsUnknownAsync(string address)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(A, address));
            using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
            return !response.IsSuccessStatusCode
                && (await response.Content.ReadAsStringAsync(Stop)).Contains(Unknown, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/sse/events?named=true")]
    [InlineData("/v1/events/stream?topic=a&envelope=true")]
    [InlineData("/v1/connections/stream?sort=id")]
    [InlineData("/events/stream?types=task_updated")]
    [InlineData("/v1/inventory/stream?named=false")]
    public async Task The_names_that_clients_add_to_any_stream_are_known(string path)
    {
        const string Added = "from=earliest&slow=latest&last_event_id=&lastEventId=&_=1732790000&utm_source=a";
        await using var stream = await SseReader.OpenAsync(A, $"{path}&{Added}");
        Assert.Equal(HttpStatusCode.OK, stream.Response.StatusCode);
    }

    private static readonly HttpClient Http = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static async Task RefusedAsync(HttpResponseMessage response, string field, params string[] says)
    {
        var text = await response.TextAsync();
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{response.StatusCode}: {text}");

        var problem = JsonDocument.Parse(text).RootElement;
        Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), text);
        Assert.All(says, said => Assert.Contains(said, problem.Text("detail"), StringComparison.Ordinal));
    }
}
