using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Harness;
using Harness.Worlds;
using Microsoft.Playwright;
using Npgsql;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Trait("Takes", "long")]
public partial class OverviewPageTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task The_overview_shows_every_replica_the_leader_and_that_all_is_live()
    {
        var page = await OpenAsync("/");

        foreach (var replica in await Api.ReplicasAsync())
        {
            var row = page.Locator("#replica-rows tr", new() { HasText = replica["name"]!.GetValue<string>() });
            await Expect(row).ToContainTextAsync("Live");
            await Expect(row.Locator("[data-health=Healthy]")).ToHaveCountAsync(2);
        }

        await Expect(page.Locator("#replica-rows tr")).ToHaveCountAsync(2);
        await Expect(page.Locator("#broadcaster-rows [data-leader=true]")).ToHaveCountAsync(1);
        await Expect(page.Locator("#mode")).ToHaveAttributeAsync("data-mode", "live");
        await Expect(page.Locator("#trouble")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Deliveries_are_counted_and_drawn()
    {
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);
        var page = await OpenAsync("/");

        await Expect(page.Locator("#chart-delivered canvas")).ToBeVisibleAsync();

        using var publishing = new CancellationTokenSource();
        var publisher = Task.Run(
            async () =>
            {
                for (var n = 0; !publishing.IsCancellationRequested; n++)
                    await Api.PublishAsync(topic, new { n });
            },
            Cancelled
        );
        await Expect(page.Locator("#p99")).ToHaveTextAsync(Milliseconds());
        await Expect(page.Locator("#appended")).ToHaveTextAsync(Positive());
        await Expect(page.Locator("#chart-delivered .legend b").First).ToBeVisibleAsync();
        await publishing.CancelAsync();
        await publisher;
    }

    [Fact]
    public async Task A_chart_that_cannot_be_loaded_costs_the_chart_and_not_the_page()
    {
        var context = await ContextAsync();
        await context.RouteAsync("**/lib/uplot*.js", route => route.AbortAsync());

        var page = await OpenAsync("/", context);

        await Expect(page.Locator("#mode")).ToHaveAttributeAsync("data-mode", "live");
        await Expect(page.Locator("#replica-rows tr")).ToHaveCountAsync(2);
        await Expect(page.Locator("#chart-delivered .legend b").First).ToBeVisibleAsync();
        await Expect(page.Locator("#chart-delivered .chart")).ToBeHiddenAsync();
    }

    /// <summary>WebKit under the locale C has the language "C", which is none.</summary>
    [Fact]
    public async Task A_browser_without_a_language_gets_its_charts()
    {
        var context = await ContextAsync();
        await context.AddInitScriptAsync("Object.defineProperty(navigator, 'language', { get: () => 'C' })");

        var page = await OpenAsync("/", context);

        await Expect(page.Locator("#chart-delivered canvas")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_page_opened_later_shows_the_resumes_and_resyncs_of_the_previous_minutes()
    {
        var replica = (await Api.ReplicasAsync())[0];
        var name = replica["name"]!.GetValue<string>();
        var address = new Uri(replica["url"]!.GetValue<string>());
        await Browser.Api.ResumeAsync(address, Api.Topic(), "no-id-of-ours");
        await Browser.Api.ResumeAsync(address, Api.Topic(), replica["head"]!.GetValue<string>());

        var page = await OpenAsync("/");
        var row = page.Locator("#replica-rows tr", new() { HasText = name });
        await Expect(row).ToContainTextAsync("malformed");
        await Expect(row.Locator("td").Nth(7)).ToHaveTextAsync(Positive());
        await Expect(page.Locator("#chart-returns .legend li")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task A_replica_whose_health_is_not_known_yet_and_a_new_mode_alarm_nobody()
    {
        var context = await ClockedAsync();
        var rounds = 0;
        await context.RouteAsync(
            "**/status?*",
            async route =>
            {
                var status = (await (await route.FetchAsync()).JsonAsync())!.Value.Deserialize<JsonObject>()!;
                var replica = status["replicas"]!.AsArray()[0]!;
                (replica["health"], replica["mode"]) = (null, "draining");
                await route.FulfillAsync(new() { Json = status });
                Interlocked.Increment(ref rounds);
            }
        );

        var page = await OpenAsync("/", context);
        await Expect(page.Locator("#replica-rows tr").First).ToContainTextAsync("draining");
        await Expect(page.Locator("#mode")).ToHaveAttributeAsync("data-mode", "live");
        await Expect(page.Locator("#postgres")).ToHaveTextAsync("Healthy");

        // A screen reader and a selection keep their row.
        var row = await page.Locator("#replica-rows tr").First.ElementHandleAsync();
        var before = rounds;
        await Eventually.HoldsAsync(async () =>
        {
            await page.Clock.FastForwardAsync("00:01");
            return rounds > before + 2;
        });
        Assert.True(await row.EvaluateAsync<bool>("row => row.isConnected"));
    }

    [Fact]
    public async Task Each_replica_of_the_table_is_in_the_legends()
    {
        var context = await ContextAsync();
        await ChangeStatusAsync(
            context,
            status =>
            {
                var silent = status["replicas"]![0]!.DeepClone();
                (silent["name"], silent["stats"]) = ("streamapi-silent", new JsonArray());
                status["replicas"]!.AsArray().Add(silent);
            }
        );

        var page = await OpenAsync("/", context);
        await Expect(page.Locator("#replica-rows tr")).ToHaveCountAsync(3);

        foreach (var chart in (string[])["#chart-delivered", "#chart-connections", "#chart-lag"])
            await Expect(page.Locator($"{chart} .legend li")).ToHaveCountAsync(3);
    }

    [Fact]
    public async Task Without_traffic_the_overview_says_so_and_has_a_button_that_makes_events_flow()
    {
        var context = await ContextAsync();
        // Those of other tests, until this one publishes.
        var others = true;
        await ChangeStatusAsync(
            context,
            status =>
            {
                foreach (var entry in status["replicas"]!.AsArray().SelectMany(r => r!["stats"]!.AsArray()))
                    if (Volatile.Read(ref others))
                        (entry!["appended"], entry["delivered"]) = (0, 0);
            }
        );

        var page = await OpenAsync("/", context);
        var example = page.GetByRole(AriaRole.Button, new() { Name = "Publish 20 events" });
        await Expect(example).ToBeVisibleAsync();
        Volatile.Write(ref others, false);
        await example.ClickAsync();
        await Expect(page.Locator("#p99")).ToHaveTextAsync(Milliseconds());
        await Expect(page.Locator("#appended")).ToHaveTextAsync(Positive());
        await Expect(example).ToBeHiddenAsync();
    }

    private static async Task ChangeStatusAsync(IBrowserContext context, Action<JsonObject> change) =>
        await context.RouteAsync(
            "**/status?*",
            async route =>
            {
                var status = (await (await route.FetchAsync()).JsonAsync())!.Value.Deserialize<JsonObject>()!;
                change(status);
                await route.FulfillAsync(new() { Json = status });
            }
        );

    [Fact]
    public async Task A_replica_that_dies_is_shown_as_lost_since_then_and_the_others_as_live()
    {
        await using var system = await PagesSystem.StartAsync(world =>
            world.Replicas(2).Set("Replicas:ForgetSeconds", 4)
        );
        await using var link = new FaultyLink("127.0.0.1", system.World.Postgres.Port);
        var store = new NpgsqlConnectionStringBuilder(Stores.Shared.EventStore)
        {
            Database = system.World.Channel,
            Host = "127.0.0.1",
            Port = link.Port,
        };

        var dying = await system.World.StartReplicaAsync(
            new() { ["ConnectionStrings__eventstore"] = store.ToString() }
        );
        using var api = new Api(system.StreamApi);
        var name = (await api.ReplicasAsync(dying.Url)).Single(IsDying)["name"]!.GetValue<string>();
        var overview = system.Frontend.ToString();

        var page = await OpenAsync(overview);
        var row = page.Locator("#replica-rows tr", new() { HasText = name });
        await Expect(row).ToContainTextAsync("Live");
        // It ends without a word to its store, as when it is killed.
        link.Cut();
        await dying.DisposeAsync();
        await Expect(row.Locator("[data-mode=lost]")).ToHaveTextAsync(LostSince());
        await Expect(page.Locator("#trouble")).ToContainTextAsync(name);
        await Expect(page.Locator("#mode")).ToHaveAttributeAsync("data-mode", "lost");
        await Expect(page.Locator("#replica-rows [data-mode=live]")).ToHaveCountAsync(2);

        var later = await OpenAsync(overview, await ContextAsync());
        await Expect(later.Locator("#replica-rows tr", new() { HasText = name })).ToContainTextAsync("Lost since");

        bool IsDying(JsonNode replica) => new Uri(replica["url"]!.GetValue<string>()) == dying.Url;
    }

    [Fact]
    public async Task Without_an_answer_the_shown_data_are_marked_as_old()
    {
        var page = await OpenAsync("/");
        await Expect(page.Locator("#replica-rows [data-mode=live]")).ToHaveCountAsync(2);
        await page.RouteAsync("**/status?*", route => route.AbortAsync());
        await Expect(page.Locator("#mode")).ToHaveAttributeAsync("data-mode", "unreachable");
        await Expect(page.Locator("#trouble")).ToContainTextAsync("as of");
        await Expect(page.Locator("main")).ToHaveAttributeAsync("data-stale", "true");
        await Expect(page.Locator("#replica-rows tr[data-lost=false]")).ToHaveCountAsync(2);
        await page.UnrouteAllAsync();
        await Expect(page.Locator("#mode")).ToHaveAttributeAsync("data-mode", "live");
        await Expect(page.Locator("main")).ToHaveAttributeAsync("data-stale", "false");
    }

    [Fact]
    public async Task A_small_laptop_shows_the_state_the_stats_and_the_link_to_the_events_without_scrolling()
    {
        var page = await OpenAsync("/", await ContextAsync(width: 1280, height: 800));
        // The page as it is when its rows, stats and charts are filled.
        var topic = Api.Topic();
        await using var stream = await Api.SubscribeAsync(topic);

        await Expect(page.Locator("#replica-rows [data-mode=live]")).ToHaveCountAsync(2);
        await Eventually.HoldsAsync(async () =>
        {
            await Api.PublishAsync(topic, new { });
            return Milliseconds().IsMatch(await page.Locator("#p99").InnerTextAsync());
        });

        foreach (var chart in (string[])["#chart-latency", "#chart-lag"])
            await Expect(page.Locator($"{chart} canvas")).ToBeVisibleAsync();

        foreach (
            var seen in (string[])["#mode", ".entry .button", ".way", "#chart-latency .chart", "#chart-lag .chart"]
        )
            // Waits, because a replica that is late for a moment is reported above them.
            await page.WaitForFunctionAsync(
                "seen => document.querySelector(seen).getBoundingClientRect().bottom <= innerHeight",
                seen
            );
    }

    [Fact]
    public async Task The_pages_speak_the_browsers_language_until_another_is_chosen()
    {
        var page = await OpenAsync("/", await ContextAsync("ja-JP"));
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "ja");
        await page.Locator("header nav a[href='/events']").ClickAsync();
        await Expect(page.Locator("#rows")).ToBeAttachedAsync();
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "ja");
        await page.GotoAsync(new Uri(Frontend, "/").ToString());
        await page.GetByRole(AriaRole.Link, new() { Name = "English", Exact = true }).ClickAsync();
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "en");
        await page.GetByRole(AriaRole.Link, new() { Name = "Events", Exact = true }).ClickAsync();
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "en");
    }

    [GeneratedRegex(@"^[0-9.,]+ ms$")]
    private static partial Regex Milliseconds();

    [GeneratedRegex(@"^Lost since \d")]
    private static partial Regex LostSince();

    [GeneratedRegex("[1-9]")]
    private static partial Regex Positive();
}
