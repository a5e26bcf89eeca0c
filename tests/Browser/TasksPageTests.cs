using System.Collections.Concurrent;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Browser;

[Collection(TaskBoard.Collection)]
public class TasksPageTests(PagesFixture pages) : PageTests(pages)
{
    [Fact]
    public async Task A_task_made_in_one_window_appears_in_the_others_and_moves_there_by_itself()
    {
        var context = await ContextAsync();
        var mine = await OpenAsync("/tasks", context);
        var tab = await OpenAsync("/tasks", context);

        var other = await OpenAsync("/tasks", await ContextAsync("ja-JP", ColorScheme.Dark));
        foreach (var page in (IPage[])[mine, tab, other])
            await IsLiveAsync(page);

        var title = $"買い物 {Guid.NewGuid():N}";
        await mine.Locator("#title").FillAsync(title);
        await mine.Keyboard.PressAsync("Enter");

        foreach (var page in (IPage[])[mine, tab, other])
            await Expect(In(page, "todo", title)).ToBeVisibleAsync();

        await Expect(mine.Locator("#title")).ToBeEmptyAsync();

        await In(other, "todo", title).GetByRole(AriaRole.Button).Last.ClickAsync();

        foreach (var page in (IPage[])[mine, tab, other])
            await Expect(In(page, "in_progress", title)).ToBeVisibleAsync();

        // Onto the heading: the middle of a column beside a long one is out of sight.
        await DragAsync(mine, In(mine, "in_progress", title), mine.Locator("[data-status=done] h2"));

        foreach (var page in (IPage[])[mine, tab, other])
            await Expect(In(page, "done", title)).ToBeVisibleAsync();

        await mine.ReloadAsync();
        await Expect(In(mine, "done", title)).ToBeVisibleAsync();
        Assert.Equal("done", await Api.TaskStatusAsync(title));
    }

    [Fact]
    public async Task By_keyboard_a_card_goes_all_the_way_and_keeps_the_focus()
    {
        var title = $"by keyboard {Guid.NewGuid():N}";
        await Api.CreateTaskAsync(title);
        var page = await OpenAsync("/tasks");

        await In(page, "todo", title).GetByRole(AriaRole.Button).Last.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(In(page, "in_progress", title).GetByRole(AriaRole.Button).Last).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        // In the last column the right arrow is disabled, so the left one has the focus.
        await Expect(In(page, "done", title).GetByRole(AriaRole.Button).First).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(In(page, "in_progress", title)).ToBeVisibleAsync();
        // With a modifier the keys are the browser's. Sent to the card, because Chromium would leave the page.
        await In(page, "in_progress", title)
            .EvaluateAsync(
                """
                card => new Promise(drawn => {
                  for (const held of ["altKey", "metaKey", "ctrlKey", "repeat"]) {
                    const key = new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true, [held]: true });
                    card.querySelector("button").dispatchEvent(key);
                  }
                  requestAnimationFrame(() => requestAnimationFrame(drawn));
                })
                """
            );
        await Expect(In(page, "in_progress", title)).ToBeVisibleAsync();

        // The moves reach the store in their order, however fast the keys are pressed, and the card does not jump back.
        await page.EvaluateAsync(
            """
            title => {
              window.columns = [];
              const card = [...document.querySelectorAll('.card')].find(c => c.textContent.includes(title));
              new MutationObserver(() => {
                    const column = card.closest('.column')?.dataset.status;
                    if (column && column !== columns.at(-1)) columns.push(column);
                })
                .observe(document.querySelector('.board'), { childList: true, subtree: true });
            }
            """,
            title
        );

        foreach (var key in (string[])["ArrowLeft", "ArrowRight", "ArrowRight"])
        {
            await page.Keyboard.PressAsync(key);
            await page.EvaluateAsync(
                "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
            );
        }

        var other = await OpenAsync("/tasks", await ContextAsync());
        await Expect(In(other, "done", title)).ToBeVisibleAsync();
        await IsLiveAsync(other);

        var marker = $"marker {Guid.NewGuid():N}";
        await Api.CreateTaskAsync(marker); // after all events of the card
        await Expect(In(page, "todo", marker)).ToBeVisibleAsync();
        Assert.Equal(["todo", "in_progress", "done"], await page.EvaluateAsync<string[]>("columns"));
        Assert.Equal("done", await Api.TaskStatusAsync(title));
    }

    [Fact]
    public async Task A_task_without_a_title_is_refused_at_its_field()
    {
        var page = await OpenAsync("/tasks");
        await page.Locator("#title").FillAsync("  ");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await Expect(page.Locator("#title")).ToBeFocusedAsync();
        await Expect(page.Locator("#title-error")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Text_typed_while_a_task_is_created_stays_in_the_field()
    {
        var (first, second) = ($"first {Guid.NewGuid():N}", $"second {Guid.NewGuid():N}");
        var page = await OpenAsync("/tasks");
        var answer = new TaskCompletionSource();

        await page.RouteAsync(
            "**/tasks",
            async route =>
            {
                await answer.Task;
                await route.ContinueAsync();
            }
        );
        await page.Locator("#title").FillAsync(first);
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("#title").FillAsync(second);
        answer.SetResult();
        await Expect(In(page, "todo", first)).ToBeVisibleAsync();
        await Expect(page.Locator("#said")).ToContainTextAsync(first);
        await Expect(page.Locator("#title")).ToHaveValueAsync(second);
    }

    [Fact]
    public async Task A_task_that_is_refused_is_in_the_field_again()
    {
        var page = await OpenAsync("/tasks");
        await page.RouteAsync(
            "**/tasks",
            route => route.Request.Method == "POST" ? route.AbortAsync() : route.ContinueAsync()
        );
        await page.Locator("#title").FillAsync("feed the fish");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#title-error")).ToBeVisibleAsync();
        await Expect(page.Locator("#title")).ToHaveValueAsync("feed the fish");
    }

    [Fact]
    public async Task Changes_made_while_the_page_was_offline_appear_afterwards()
    {
        var title = $"offline {Guid.NewGuid():N}";
        await Api.CreateTaskAsync(title);
        var context = await ContextAsync();
        var page = await OpenAsync("/tasks", context);

        await Expect(In(page, "todo", title)).ToBeVisibleAsync();
        await IsLiveAsync(page);
        await CutOffAsync(page, "tasks.*");
        await Api.MoveTaskAsync(title, "done");
        await context.SetOfflineAsync(false);
        await Expect(In(page, "done", title)).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_move_that_is_refused_goes_back()
    {
        var title = $"refused {Guid.NewGuid():N}";
        await Api.CreateTaskAsync(title);
        var page = await OpenAsync("/tasks");

        await Expect(In(page, "todo", title)).ToBeVisibleAsync();
        await page.RouteAsync(
            "**/tasks/status/**",
            route =>
                route.Request.Method == "PUT"
                    ? RefuseAsync(route, 503, "The event store is away.")
                    : route.ContinueAsync()
        );
        await In(page, "todo", title).GetByRole(AriaRole.Button).Last.ClickAsync();
        await Expect(page.Locator("#trouble")).ToContainTextAsync("away");
        await Expect(In(page, "todo", title)).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_board_reads_the_newest_tasks_of_a_column_and_older_ones_on_request()
    {
        var (oldest, moved) = ($"oldest {Guid.NewGuid():N}", $"moved {Guid.NewGuid():N}");
        await Api.CreateTaskAsync(oldest);
        await Api.CreateTaskAsync(moved);

        for (var n = 0; n < 105; n++)
            await Api.CreateTaskAsync($"newer {n}");

        var context = await ContextAsync();
        var lists = new ConcurrentBag<string>();
        context.Request += (_, request) =>
        {
            if (new Uri(request.Url) is { AbsolutePath: "/tasks", Query: var query } && query.Length > 0)
                lists.Add(query);
        };

        var page = await OpenLiveAsync("/tasks", context);
        await Expect(page.Locator("[data-status=todo] .count")).ToHaveTextAsync("100+");
        await Expect(page.Locator("[data-status=todo] .card")).ToHaveCountAsync(40);
        Assert.Equal(3, lists.Count);
        Assert.All(lists, query => Assert.Matches(@"^\?status=\w+&limit=100$", query));

        // Neither of the two is loaded.
        await Api.MoveTaskAsync(moved, "in_progress");
        await Expect(In(page, "in_progress", moved)).ToBeVisibleAsync();
        var more = page.Locator("[data-status=todo] .more");

        await more.ClickAsync();
        await Expect(page.Locator("[data-status=todo] .card")).ToHaveCountAsync(80);
        await more.ClickAsync();
        await Expect(In(page, "todo", oldest)).ToBeVisibleAsync();
    }

    [Fact]
    public async Task After_a_resync_the_board_is_read_again()
    {
        var title = $"missed {Guid.NewGuid():N}";
        var page = await (await ContextAsync()).NewPageAsync();
        var streams = 0;

        await page.RouteAsync(
            "**/events/stream*",
            async route =>
            {
                if (Interlocked.Increment(ref streams) > 1)
                {
                    await route.ContinueAsync();
                    return;
                }

                await Api.CreateTaskAsync(title); // after the board was read
                await StreamAsync(route, "event: resync\ndata: {\"reason\":\"expired\"}\n\n");
            }
        );
        await page.GotoAsync(new Uri(Frontend, "/tasks").ToString());
        await Expect(In(page, "todo", title)).ToBeVisibleAsync();
        await IsLiveAsync(page);
    }

    [Fact]
    public async Task A_board_whose_stream_was_refused_opens_a_new_one_by_Connect_now()
    {
        await Api.CreateTaskAsync($"to be read {Guid.NewGuid():N}");
        await ConnectsNowAsync("/tasks", "**/events/stream*", ".card");
    }

    [Fact]
    public async Task The_board_has_one_timer_however_many_cards_it_shows()
    {
        var titles = new[] { $"first {Guid.NewGuid():N}", $"second {Guid.NewGuid():N}" };
        foreach (var title in titles)
            await Api.CreateTaskAsync(title);

        var context = await ContextAsync();
        await context.AddInitScriptAsync(
            """
            window.timers = 0;
            const original = window.setInterval;
            window.setInterval = (...of) => (window.timers++, original(...of));
            """
        );

        var page = await OpenAsync("/tasks", context);

        foreach (var title in titles)
            await Expect(In(page, "todo", title)).ToBeVisibleAsync();

        Assert.Equal(1, await page.EvaluateAsync<int>("timers"));
    }

    /// <summary>Drags a card near the top of its column, once it has come to rest there. By positions, because
    /// Playwright may scroll the page for each element, and Chromium begins no drag if it scrolls after the press. With
    /// two moves, because the first one may bring no dragover
    /// (https://playwright.dev/dotnet/docs/input#drag-and-drop).</summary>
    private static async Task DragAsync(IPage page, ILocator card, ILocator target)
    {
        await target.ScrollIntoViewIfNeededAsync();
        await card.EvaluateAsync("card => Promise.all(card.getAnimations().map(a => a.finished.catch(() => {})))");
        await MoveToAsync(card);
        await page.Mouse.DownAsync();
        await MoveToAsync(target);
        await MoveToAsync(target);
        await page.Mouse.UpAsync();

        async Task MoveToAsync(ILocator element)
        {
            var box = (await element.BoundingBoxAsync())!;
            await page.Mouse.MoveAsync(box.X + box.Width / 2, box.Y + box.Height / 2);
        }
    }

    private static ILocator In(IPage page, string status, string title) =>
        page.Locator($"[data-status={status}] .card", new() { HasText = title });
}
