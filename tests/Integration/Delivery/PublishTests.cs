using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>Publishing, retries of it, and lines that are refused.</summary>
public sealed class PublishTests(AssemblyWide<TwoReplicas> shared) : IClassFixture<AssemblyWide<TwoReplicas>>
{
    private const string Lines = "application/x-ndjson";

    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";

    private RunningService A => shared.World.System.Replicas[0];
    private RunningService B => shared.World.System.Replicas[1];
    private string Stream => $"/v1/events/stream?topic={_root}.%3E";

    private string T(string rest) => $"{_root}.{rest}";

    private async Task<HttpResponseMessage> PostAsync(string text, string type)
    {
        using var body = new StringContent(text, System.Text.Encoding.UTF8, type);
        return await SeedRequests.SendAsync(A.Url, HttpMethod.Post, "/v1/events", body);
    }

    [Fact]
    public async Task A_retry_with_the_same_id_gets_the_first_answer_and_other_content_is_a_conflict()
    {
        var id = Guid.NewGuid();
        var first = await World.PublishAsync(A, new EventBody(T("1"), "x", 1, Id: id));
        Assert.Equal(first, await World.PublishAsync(B, new EventBody(T("1"), "x", 1, Id: id)));

        using var conflict = await World.PostAsync(
            A,
            new object[] { new EventBody(T("1"), "x", 2, Id: id), new EventBody(T("1"), "new", 3) }
        );
        Assert.Equal(HttpStatusCode.Conflict, conflict.StatusCode);

        var all = await SeedRequests.GetAsync(A.Url, $"/v1/events?topic={T("1")}");
        Assert.Equal(1, all.GetProperty("events").GetArrayLength());
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData(Lines)]
    public async Task A_repeated_id_in_one_request_is_one_event_and_with_other_content_a_conflict(string type)
    {
        var id = Guid.NewGuid();
        var other = Guid.NewGuid();
        var lines = type.EndsWith("ndjson", StringComparison.Ordinal);
        using var twice = await SendAsync((id, 1), (null, 2), (id, 1));
        var answer = await twice.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(HttpStatusCode.Accepted, twice.StatusCode);
        var events = answer
            .GetProperty("events")
            .EnumerateArray()
            .Select(e => (e.GetProperty("id").GetGuid(), e.GetProperty("position").GetString()))
            .ToList();
        Assert.Equal(3, answer.GetProperty("accepted").GetInt32());
        Assert.Equal((events[0], id), (events[2], events[0].Item1));
        Assert.NotEqual(events[0].Item2, events[1].Item2);

        using var differing = await SendAsync((other, 3), null, (other, 4));
        var problem = await differing.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(HttpStatusCode.Conflict, differing.StatusCode);

        if (lines)
            // an empty line is one too
            Assert.Equal((3, 1), (problem.GetProperty("line").GetInt32(), problem.GetProperty("accepted").GetInt32()));

        var all = await SeedRequests.GetAsync(A.Url, $"/v1/events?topic={T("1")}");
        Assert.Equal(
            lines ? [1, 2, 3] : [1, 2],
            all.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("data").GetInt32())
        );

        async Task<HttpResponseMessage> SendAsync(params (Guid? Id, int Data)?[] some)
        {
            var documents = some.Select(e =>
                    e is { } one ? JsonSerializer.Serialize(new EventBody(T("1"), "x", one.Data, Id: one.Id)) : ""
                )
                .ToList();

            var text = lines
                ? string.Join('\n', documents)
                : $"[{string.Join(',', documents.Where(d => d.Length > 0))}]";
            return await PostAsync(text, type);
        }
    }

    [Fact]
    public async Task Lines_before_the_first_bad_one_are_kept_and_the_answer_names_that_line()
    {
        var lines =
            string.Join(
                '\n',
                Enumerable.Range(1, 1_200).Select(n => $$"""{"topic":"{{T("n")}}","type":"n","data":{{n}}}""")
            )
            + $$"""

                {"topic":"{{T("n")}}","type":"n"}
                {"topic":"{{T("n")}}","type":"n","data":9999}
                """;
        using var response = await PostAsync(lines, Lines);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(
            (1_201, 1_200),
            (problem.GetProperty("line").GetInt32(), problem.GetProperty("accepted").GetInt32())
        );

        await using var reader = await SseReader.OpenAtAsync(B.Url, Stream + "&from=earliest");
        await reader.WaitForEventsAsync(1_200);
        Assert.Equal(Enumerable.Range(1, 1_200), reader.Numbers);
    }

    [Theory]
    [InlineData(2_000_000)]
    [InlineData(4_000_000)] // too long to be read
    public async Task A_line_that_is_too_long_is_named_too(int length)
    {
        var lines = $$"""
            {"topic":"{{T("long")}}","type":"n","data":1}
            {"topic":"{{T("long")}}","type":"n","data":"{{new string('x', length)}}"}
            {"topic":"{{T("long")}}","type":"n","data":3}
            """;
        using var response = await PostAsync(lines, Lines);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(
            (HttpStatusCode.RequestEntityTooLarge, 2, 1),
            (response.StatusCode, problem.GetProperty("line").GetInt32(), problem.GetProperty("accepted").GetInt32())
        );
    }

    [Fact]
    public async Task A_member_whose_name_is_no_text_is_refused_and_the_lines_before_it_are_kept()
    {
        var good = $$"""{"topic":"{{T("names")}}","type":"n","data":1}""";
        var odd = $$"""{"topic":"{{T("names")}}","type":"n","data":1,"\ud800":1}""";

        foreach (var body in (string[])[odd, $"[{good},{odd}]"])
        {
            using var refused = await PostAsync(body, "application/json");
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }

        using var response = await PostAsync($"{good}\n{good}\n{odd}\n{good}", Lines);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(
            (HttpStatusCode.BadRequest, 3, 2),
            (response.StatusCode, problem.GetProperty("line").GetInt32(), problem.GetProperty("accepted").GetInt32())
        );
    }

    /// <summary>Python's json.dumps escapes every letter beyond ASCII.</summary>
    [Fact]
    public async Task An_escaped_event_is_measured_as_it_is_stored()
    {
        var text = string.Concat(Enumerable.Repeat("\\u3042", 300_000)); // 1.8 MB; 900 kB in UTF-8
        var line = $$"""{"topic":"{{T("escaped")}}","type":"n","data":"{{text}}"}""";
        using var response = await PostAsync(line, Lines);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
    }

    [Fact]
    public async Task An_open_stream_is_closed_by_its_id_wherever_it_is()
    {
        await using var second = await SseReader.OpenAtAsync(B.Url, Stream);
        JsonElement page = default;
        await Eventually.HoldsAsync(
            async () =>
                (page = await SeedRequests.GetAsync(A.Url, $"/v1/connections?filter={_root}"))
                    .GetProperty("connections")
                    .GetArrayLength() == 1,
            "it is listed on the other replica"
        );

        var path = $"/v1/connections/{page.GetProperty("connections")[0].Text("id")}";

        foreach (var status in (HttpStatusCode[])[HttpStatusCode.NoContent, HttpStatusCode.NotFound])
        {
            using var closed = await SeedRequests.SendAsync(A.Url, HttpMethod.Delete, path);
            Assert.Equal(status, closed.StatusCode);
        }

        await second.WaitForEndAsync();
        Assert.True(second.EndedProperly);
    }
}
