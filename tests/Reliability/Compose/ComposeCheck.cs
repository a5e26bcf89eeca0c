using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using AspireSse.Client;
using AspireSse.Client.Publishing;

namespace Reliability.Compose;

/// <summary>Starts deploy/compose.yaml, uses it as an operator and a client, kills a replica and upgrades it under
/// load, restores a backup, and takes it down: <c>tests/Reliability -- compose</c>. With <c>--short</c> it only starts
/// and uses it.</summary>
internal sealed partial class ComposeCheck(ComposeEngine engine, bool isShort)
{
    private const string NewTag = "upgrade-test";
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private bool _ok = true;

    public static async Task<int> MainAsync(bool isShort, CancellationToken cancellationToken)
    {
        var (engine, reason) = ComposeEngine.Find(asTheyAre: isShort);
        if (engine is null)
        {
            Console.WriteLine($"skipped: {reason}");
            return 0;
        }

        return await new ComposeCheck(engine, isShort).RunAsync(cancellationToken) ? 0 : 1;
    }

    private async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        await using var stack = new ComposeStack(engine);
        await stack.StartAsync(cancellationToken);
        Report("up", true, "both replicas are live behind HAProxy");

        using var http = stack.CreateClient();
        await PublishReadResumeAsync(http, cancellationToken);
        await SignInAsync(stack, cancellationToken);

        if (!isShort)
        {
            await BreakAndUpgradeAsync(stack, cancellationToken);
            var wrong = await new ComposeRestore(stack, http).RunAsync(cancellationToken);
            Report("back up, restore", wrong is null, wrong ?? "ids of the backup resume, later ones get a resync");
        }

        if (!_ok)
            await Console.Error.WriteLineAsync(await stack.LogsAsync());

        return _ok;
    }

    private async Task PublishReadResumeAsync(HttpClient http, CancellationToken cancellationToken)
    {
        var client = new SseClient(http);
        var publisher = new EventPublisher(http);
        var stream = client.Open("/v1/events/stream?topic=compose.first");
        var seen = new List<string>();
        for (var number = 1; number <= 2; number++)
        {
            await foreach (var received in stream.WithCancellation(cancellationToken))
            {
                // Published while the stream is open at first, and while it is closed the second time.
                if (received.Connected is not null && number == 1)
                    await PublishAsync();
                if (received.Type != "numbered")
                    continue;
                seen.Add(received.Data);
                break;
            }

            if (number == 1)
                await PublishAsync();

            async Task PublishAsync() =>
                await publisher.PublishAsync(
                    OutgoingEvent.Create("compose.first", "numbered", seen.Count + 1),
                    cancellationToken
                );
        }

        Report("publish, read, resume over the proxy", seen is ["1", "2"], $"received {string.Join(", ", seen)}");
    }

    private async Task SignInAsync(ComposeStack stack, CancellationToken cancellationToken)
    {
        using var http = stack.CreateClient(cookies: true);
        http.DefaultRequestHeaders.Remove("X-Api-Key");
        var address = new Uri(stack.Pages, "/sign-in");
        var page = await http.GetStringAsync(address, cancellationToken);
        var fields = HiddenField()
            .Matches(page)
            .ToDictionary(m => m.Groups["name"].Value, m => WebUtility.HtmlDecode(m.Groups["value"].Value));

        fields["credential"] = stack.Key;
        using var answer = await http.PostAsync(address, new FormUrlEncodedContent(fields), cancellationToken);
        using var own = await http.GetAsync(new Uri(stack.Pages, "/api/v1/replicas"), cancellationToken);
        using var dashboard = await http.GetAsync(new Uri(stack.Dashboard, "/login"), cancellationToken);

        Report(
            "sign in to the pages; the dashboard answers",
            own.StatusCode == HttpStatusCode.OK && dashboard.StatusCode == HttpStatusCode.OK,
            $"sign-in {(int)answer.StatusCode}, /api {(int)own.StatusCode}, dashboard {(int)dashboard.StatusCode}"
        );
    }

    private async Task BreakAndUpgradeAsync(ComposeStack stack, CancellationToken cancellationToken)
    {
        foreach (var image in (string[])["streamapi", "broadcaster", "webfrontend"])
            await stack.TagAsync(image, NewTag, cancellationToken);

        var answers = new AnswerLog();
        using var http = stack.CreateClient(answers);
        await using var load = new ComposeLoad(http);

        await load.StartAsync(cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(5), cancellationToken);

        await stack.KillAsync("streamapi-1", cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(3), cancellationToken);
        await stack.StartAgainAsync("streamapi-1", cancellationToken);
        await stack.CompleteAsync(cancellationToken);
        Report("kill -9 of a replica under load", true, $"answers so far: {answers}");

        await stack.UpgradeAsync(NewTag, cancellationToken);
        await stack.CompleteAsync(cancellationToken);
        Report("upgrade of every service under load", true, $"answers so far: {answers}");

        var report = await load.FinishAsync(cancellationToken);
        Report("ledger", report.Clean && load.Ok, $"{report}; {load.Remarks}");
        Report("server errors but 503 with Retry-After", answers.Bad == 0, $"{answers.Bad}");
    }

    private void Report(string step, bool ok, string detail)
    {
        _ok &= ok;
        Console.WriteLine($"{_clock.Elapsed.TotalSeconds, 6:F0} s  {(ok ? "ok    " : "FAILED")}  {step}: {detail}");
    }

    [GeneratedRegex("<input type=\"hidden\" name=\"(?<name>[^\"]+)\" value=\"(?<value>[^\"]*)\"")]
    private static partial Regex HiddenField();
}
