using System.Text.Json;
using AspireSse.Server;
using CsCheck;

namespace Adopter.Appending;

/// <summary>Callers share commits, pages and relayed messages, so text of one caller must not fail those of
/// others.</summary>
public sealed class AnyTextTests : IAsyncLifetime
{
    /// <summary>Texts that Postgres, UTF-8, JSON or a frame does not take, and neighbours that they take.</summary>
    private static readonly string[] Texts =
    [
        "",
        "\0",
        "a\0b",
        "\uD800",
        "x\uDC00y",
        "\uDC00\uD800",
        "a\nb",
        "a\rb",
        "\u2028",
        "\uFEFF1",
        "\uFFFF",
        "🦄",
        new('k', 256),
        new('k', 257),
        string.Join('.', Enumerable.Repeat("t", 33)),
        "t.*",
        "error",
        "connected",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "1",
        "-0",
        "01",
        "1e999",
        "123456789012345678901234567890.1234567890123456789",
        "NaN",
        "1 2",
        " 1\t",
        "1\n",
        "{\n}",
        "'a'",
        "nul",
        "[1,]",
        "{\"a\":1,\"a\":2}",
        "{\"a\":",
        "/* c */1",
        "\"\0\"",
        "\"\u0001\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud83e\\udd84\"",
        "\"\\ud83e\\n\"",
        "{\"\\ud800\":1}",
        "\"\uD800\"",
        "\"\\x\"",
        new string('[', 64) + new string(']', 64),
        new string('[', 65) + new string(']', 65),
        new string('[', 9_999) + new string(']', 9_999),
    ];

    private static readonly Gen<string> Known = Gen.Int[0, Texts.Length - 1].Select(i => Texts[i]);

    private static readonly Gen<string> Text = Gen.OneOf(
        Known,
        Known,
        Gen.String,
        Gen.String[Gen.Char['\uD7F0', '\uE010'], 0, 4].Select(text => $"\"{text}\"")
    );

    private static readonly Gen<Attempt> Attempts = Gen.Select(
        Gen.Int[0, 7],
        Gen.OneOf(Gen.Const("t.1"), Text),
        Gen.OneOf(Gen.Const("n"), Text),
        Gen.OneOf(Gen.Const("1"), Text),
        Gen.OneOf(Gen.Const((string?)null), Text!),
        Gen.OneOf(Gen.Const((string?)null), Text!),
        (entry, topic, type, data, key, trace) => new Attempt(entry, topic, type, data, key, trace)
    );

    private WebApplication _app = null!;
    private WebApplication _memory = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _app = await LogApp.StartAsync((await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString);
        _memory = await LogApp.StartAsync(connectionString: null);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _memory.DisposeAsync();
    }

    [Fact]
    public async Task Whatever_text_one_caller_appends_or_asks_for_its_neighbours_are_served() =>
        await Attempts.SampleAsync(
            async attempt =>
            {
                var before = Enumerable.Range(0, 3).Select(_ => InnocentAsync()).ToArray();
                var stored = Task.Run(() => TryAsync(_app, attempt));
                var innocents = before.Concat(Enumerable.Range(0, 3).Select(_ => InnocentAsync())).ToArray();
                await Task.WhenAll(innocents);

                Assert.Equal(await TryAsync(_memory, attempt), await stored);
            },
            iter: 400,
            threads: 4,
            print: attempt => JsonSerializer.Serialize(attempt)
        );

    /// <summary>Stored text is read by browsers, by frames that add a name, and by other processes.</summary>
    [Fact]
    public async Task Data_that_is_stored_is_one_line_of_JSON_for_every_reader()
    {
        foreach (var text in Texts)
        {
            try
            {
                await _app.Log().AppendAsync([new NewEvent("data.1", "n", text)], Stop);
            }
            catch (ArgumentException) { }
        }

        var page = await _app.Log().ReadAsync(new() { Filter = new EventFilter(["data.1"]) }, Stop);
        Assert.NotEmpty(page.Events);
        foreach (var stored in page.Events)
        {
            Assert.False(stored.Data.IsEmpty);
            Assert.DoesNotContain((byte)'\n', stored.Data.ToArray());
            using var json = JsonDocument.Parse(stored.Data);
            using var copy = new MemoryStream();
            await using (var writer = new Utf8JsonWriter(copy))
                json.RootElement.WriteTo(writer);
        }
    }

    /// <summary>A record is made in two ways, and each is checked.</summary>
    [Fact]
    public void An_event_that_cannot_be_stored_cannot_be_made()
    {
        var valid = new NewEvent("t.1", "n", "1");
        Assert.Throws<ArgumentException>(() => valid with { Key = "\0" });
        Assert.Throws<ArgumentException>(() => valid with { Data = "" });
        Assert.Throws<ArgumentException>(() => valid with { Type = "error" });
        Assert.Throws<ArgumentException>(() => new NewEvent("t.1", "n", "1") { TraceParent = "\uD800" });
        Assert.Throws<ArgumentException>(() => new NewEvent("t.1", "n", null!));
        Assert.Throws<ArgumentException>(() => new NewEvent(null!, "n", "1"));
        Assert.Throws<ArgumentException>(() => new NewEvent("t.1", null!, "1"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_list_with_nothing_in_it_is_refused_as_a_whole(bool inMemory)
    {
        var log = (inMemory ? _memory : _app).Log();
        var topic = $"whole.{inMemory}";
        await Assert.ThrowsAnyAsync<ArgumentException>(() =>
            log.AppendAsync([new NewEvent(topic, "n", "1"), null!], Stop)
        );
        await Assert.ThrowsAnyAsync<ArgumentException>(() => log.AppendAsync(null!, Stop));
        Assert.Empty((await log.ReadAsync(new() { Filter = new EventFilter([topic]) }, Stop)).Events);
    }

    /// <summary>Text that is neither a topic nor a pattern selects nothing, not everything.</summary>
    [Fact]
    public async Task A_filter_of_any_text_selects_no_other_events()
    {
        foreach (var topic in (string[])["filtered.>.1", "filtered..1", "\0", "\uD800", "", "$sys.>", "~"])
            Assert.Throws<ArgumentException>(() => new EventFilter([topic]));

        foreach (var app in new[] { _app, _memory })
        {
            await app.Log().AppendAsync("filtered.1", "n", 1, "k", cancellationToken: Stop);
            var filter = new EventFilter(["filtered.1"], ["n", "\0"], ["\uD800", "k"]);
            var page = await app.Log().ReadAsync(new() { Filter = filter }, Stop);
            Assert.Single(page.Events);
        }
    }

    /// <summary>A text that Postgres does not take is its sender's mistake, not an outage, which would be tried
    /// again.</summary>
    [Fact]
    public async Task A_text_that_is_asked_for_and_cannot_be_stored_is_no_outage()
    {
        foreach (var text in (string[])["\0", "a\0b", "\uD800"])
            await IsRefusedAsync(text);
    }

    private async Task IsRefusedAsync(string text)
    {
        var topics = _app.Services.GetRequiredService<TopicReader>();
        var presence = _app.Services.GetRequiredService<TopicPresence>();
        Func<Task>[] questions =
        [
            () => topics.ListAsync(text, pages => pages.ReadAsync(text, "", 10), Stop),
            () => topics.ListAsync("", pages => pages.ReadAsync("", text, 10), Stop),
            () => topics.ListAsync("", pages => pages.ReadAsync(text, "", 10), Stop),
            () => topics.WithoutEventsAsync(["t.1", text], Stop),
            () => topics.ReadNumberedAsync(text, 1, "t.1", "n", Stop),
            () => topics.ReadNumberedAsync("t.1", 1, "t.2", text, Stop),
            () => presence.IsReadAsync(text, TimeSpan.FromSeconds(1), Stop),
        ];

        foreach (var question in questions)
            await Assert.ThrowsAnyAsync<ArgumentException>(question);
    }

    private async Task InnocentAsync() => await _app.Log().AppendAsync("innocent.1", "n", 1, "key");

    /// <summary>Returns true if it succeeds, and false if it is refused to the caller; anything else throws.</summary>
    private static async Task<bool> TryAsync(WebApplication app, Attempt attempt)
    {
        var (entry, topic, type, data, key, trace) = attempt;
        var log = app.Log();
        try
        {
            switch (entry)
            {
                case 0 or 1:
                    await log.AppendAsync([new NewEvent((EventTopic)topic, type, data, key, null, trace)]);
                    break;
                case 2:
                    await log.AppendAsync([
                        new NewEvent("t.1", "n", "1", id: Guid.NewGuid()),
                        new NewEvent((EventTopic)topic, "n", "1") with
                        {
                            Type = type,
                            Data = data,
                            Key = key,
                            TraceParent = trace,
                        },
                    ]);
                    break;
                case 3:
                    await log.AppendAsync(topic, type, data, key);
                    break;
                case 4:
                    await log.AppendAsync($"t.{topic}", type, new { data, trace }, key);
                    break;
                case 5:
                    await log.AppendAsync([NewEvent.Of("t.1", type, new Raw(data), key)]);
                    break;
                default:
                    await log.ReadAsync(
                        new() { Filter = new EventFilter([topic, key ?? "t"], [type], [data, trace ?? ""]) }
                    );
                    break;
            }

            return true;
        }
        catch (Exception e) when (e is ArgumentException or JsonException)
        {
            return false;
        }
    }

    private sealed record Attempt(int Entry, string Topic, string Type, string Data, string? Key, string? Trace);

    /// <summary>A value whose converter writes text as it is.</summary>
    [System.Text.Json.Serialization.JsonConverter(typeof(RawConverter))]
    private sealed record Raw(string Json);

    private sealed class RawConverter : System.Text.Json.Serialization.JsonConverter<Raw>
    {
        public override Raw Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Raw value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value.Json, skipInputValidation: true);
    }
}
