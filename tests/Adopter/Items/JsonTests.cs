using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Serialization;
using Adopter.Showing;
using Microsoft.EntityFrameworkCore;

namespace Adopter.Items;

/// <summary>Values that an application sends as events look like those that its endpoints answer.</summary>
public sealed class JsonTests : IAsyncLifetime
{
    private static readonly Bill Paid = new(BillState.FullyPaid, "猫 <b>");

    private SmallApp _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _app = await StartAsync(
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            JsonNamingPolicy.SnakeCaseLower
        );

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static Task<SmallApp> StartAsync(string? connectionString, JsonNamingPolicy policy) =>
        SmallApp.StartAsync(
            Map,
            builder =>
            {
                builder.Services.ConfigureHttpJsonOptions(json =>
                {
                    json.SerializerOptions.PropertyNamingPolicy = policy;
                    json.SerializerOptions.WriteIndented = true;
                    json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(policy));
                });

                if (connectionString is null)
                    return;
                builder.AddSseRuns();
                builder.Services.AddDbContext<BillsDb>(options => options.UseNpgsql(connectionString).UseSse());
            },
            connectionString
        );

    private static void Map(WebApplication app)
    {
        app.MapGet("/bill", () => Paid);
        app.MapGet("/events", () => TypedResults.EventStream("bills.all")).AllowAnonymous();
        app.MapGet("/shown", () => TypedResults.EventStream(["bills.all"], show: Shown, greeting: new(Paid, "hello")))
            .AllowAnonymous();
        app.MapGet("/items", () => TypedResults.EventStream(Items())).AllowAnonymous();
        app.MapGet("/bill-as-note", () => AsNote(Paid));
        app.MapGet("/notes", () => TypedResults.EventStream(Notes())).AllowAnonymous();
        app.MapGet("/bytes", () => TypedResults.EventStream(Texts())).AllowAnonymous();
        app.MapGet("/framework-s-bytes", () => TypedResults.ServerSentEvents(Texts()));
        app.MapGet("/run", () => TypedResults.RunStream("run.1")).AllowAnonymous();
    }

    private static SseItem<object?>? Shown(EventRecord record) => new(Paid);

    private static INote AsNote(INote note) => note;

    private static async IAsyncEnumerable<SseItem<INote>> Notes()
    {
        await Task.Yield();
        yield return new(Paid);
    }

    private static async IAsyncEnumerable<SseItem<Bill>> Items()
    {
        await Task.Yield();
        yield return new(Paid);
    }

    private static async IAsyncEnumerable<SseItem<byte[]>> Texts()
    {
        await Task.Yield();
        yield return new("{\"a\": 1,\n\"b\": 2}"u8.ToArray());
    }

    [Fact]
    public async Task Bytes_are_a_text_as_they_are_for_the_frameworks_own_streams()
    {
        await using var ours = await SseReader.OpenAsync(_app.Server, "/bytes").ToEndAsync();
        await using var framework = await SseReader.OpenAsync(_app.Server, "/framework-s-bytes").ToEndAsync();
        Assert.Equal("{\"a\": 1,\n\"b\": 2}", Assert.Single(ours.Events).Data);
        Assert.Equal(Assert.Single(framework.Events).Data, Assert.Single(ours.Events).Data);
    }

    [Fact]
    public async Task Each_way_to_send_a_value_writes_it_as_the_endpoints_do()
    {
        const string Same = """{"bill_state":"fully_paid","for_whom":"猫 <b>"}""";
        var answered = JsonDocument.Parse(await _app.Client.GetStringAsync("/bill", Stop));
        Assert.True(JsonElement.DeepEquals(answered.RootElement, JsonDocument.Parse(Same).RootElement));

        await using var events = await SseReader.OpenAtAsync(_app.Server, "/events");
        await using var shown = await SseReader.OpenAtAsync(_app.Server, "/shown");
        await _app.Log.AppendAsync("bills.all", "paid", Paid, cancellationToken: Stop);
        await _app.Log.AppendAsync([NewEvent.Of("bills.all", "paid", Paid, json: _app.Log.Json)], Stop);
        using (var scope = _app.Services.CreateScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<BillsDb>();
            db.Publish("bills.all", "paid", Paid);
            await db.SaveChangesAsync(Stop);
        }

        await events.WaitForEventsAsync(3);
        Assert.All(events.Events, e => Assert.Equal(Same, e.Data));
        await shown.WaitForEventsAsync(4);
        Assert.All(shown.Events, e => Assert.Equal(Same, e.Data));

        await using var items = await SseReader.OpenAsync(_app.Server, "/items").ToEndAsync();
        Assert.Equal(Same, Assert.Single(items.Events).Data);

        await _app.Services.GetRequiredService<IRuns>().StartAsync("run.1", (run, _) => run.AppendAsync("paid", Paid));
        await using var run = await SseReader.OpenAsync(_app.Server, "/run").ToEndAsync();
        Assert.Equal(Same, run.Events.First().Data);

        // What the streams send of themselves stays.
        Assert.Contains("\"connectionId\"", events.Frames.First(f => f.Event == "connected").Data);
    }

    [Fact]
    public async Task Each_way_to_send_a_value_writes_all_of_it_whatever_type_its_variable_has()
    {
        var same = JsonDocument.Parse(await _app.Client.GetStringAsync("/bill-as-note", Stop)).RootElement;
        Assert.Equal(2, same.EnumerateObject().Count());

        await using var events = await SseReader.OpenAtAsync(_app.Server, "/events");
        await _app.Log.AppendAsync("bills.all", "paid", AsNote(Paid), cancellationToken: Stop);
        await _app.Log.AppendAsync("bills.all", "paid", (object)Paid, cancellationToken: Stop);
        await _app.Log.AppendAsync([NewEvent.Of("bills.all", "paid", AsNote(Paid), json: _app.Log.Json)], Stop);
        using (var scope = _app.Services.CreateScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<BillsDb>();
            foreach (INote note in (INote[])[Paid, Paid])
                db.Publish("bills.all", note.GetType().Name, note);
            await db.SaveChangesAsync(Stop);
        }

        await events.WaitForEventsAsync(5);
        await using var items = await SseReader.OpenAsync(_app.Server, "/notes").ToEndAsync();

        await _app
            .Services.GetRequiredService<IRuns>()
            .StartAsync(
                "run.1",
                async (run, _) =>
                {
                    await run.AppendAsync("paid", AsNote(Paid));
                    await run.EndAsync("end", AsNote(Paid));
                }
            );
        await using var run = await SseReader.OpenAsync(_app.Server, "/run").ToEndAsync();

        Assert.Equal((5, 1, 2), (events.Events.Count(), items.Events.Count(), run.Events.Count()));
        Assert.All(
            [.. events.Events, .. items.Events, .. run.Events],
            sent => Assert.True(JsonElement.DeepEquals(same, JsonDocument.Parse(sent.Data!).RootElement), sent.Data)
        );
    }

    [Fact]
    public void A_type_that_names_its_kinds_writes_which_one_it_is()
    {
        var written = NewEvent.Of("bills.1", "change", (Change)new Discount(5)).Data;
        Assert.Equal("""{"kind":"discount","percent":5}""", written);
    }

    [Fact]
    public void Generated_code_that_does_not_know_a_value_s_own_type_is_named_and_lists_are_written_as_declared()
    {
        var json = GeneratedJson.Default.Options;
        var unknown = Assert.Throws<NotSupportedException>(() =>
            NewEvent.Of("bills.1", "note", (INote)new Reminder(2), json: json)
        );
        Assert.Contains(nameof(Reminder), unknown.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(INote), unknown.Message, StringComparison.Ordinal);

        var numbers = Enumerable.Range(1, 3).Where(n => n != 2);
        Assert.Equal("[1,3]", NewEvent.Of("bills.1", "numbers", numbers, json: json).Data);
    }

    [Fact]
    public async Task Another_application_in_the_process_has_its_own_way()
    {
        await using var other = await StartAsync(connectionString: null, JsonNamingPolicy.KebabCaseUpper);
        await using var stream = await SseReader.OpenAtAsync(other.Server, "/events");
        await other.Log.AppendAsync("bills.all", "paid", Paid, cancellationToken: Stop);
        await other.Log.AppendAsync([NewEvent.Of("bills.all", "paid", Paid)], Stop);

        await stream.WaitForEventsAsync(2);
        Assert.Equal(
            ["""{"BILL-STATE":"FULLY-PAID","FOR-WHOM":"猫 <b>"}""", """{"billState":2,"forWhom":"猫 <b>"}"""],
            stream.Events.Select(e => e.Data)
        );
    }

    internal interface INote;

    internal sealed record Reminder(int Days) : INote;

    private sealed record Bill(BillState BillState, string ForWhom) : INote;

    [JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
    [JsonDerivedType(typeof(Discount), "discount")]
    private abstract record Change;

    private sealed record Discount(int Percent) : Change;

    private enum BillState
    {
        Open,
        HalfPaid,
        FullyPaid,
    }

    private sealed class BillsDb(DbContextOptions<BillsDb> options) : DbContext(options);
}

/// <summary>Types that a native program names.</summary>
[JsonSerializable(typeof(JsonTests.INote))]
[JsonSerializable(typeof(IEnumerable<int>))]
internal sealed partial class GeneratedJson : JsonSerializerContext;
