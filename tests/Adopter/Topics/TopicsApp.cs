using System.Globalization;
using Harness;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Adopter.Topics;

/// <summary>An application that makes topics in each way that compiles, mostly of what the client sends, without
/// Postgres.</summary>
internal sealed class TopicsApp : IAsyncDisposable
{
    private TopicsApp(WebApplication app)
    {
        App = app;
        Server = new Uri(
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        );
        Client = new HttpClient { BaseAddress = Server };
    }

    public WebApplication App { get; }
    public Uri Server { get; }
    public HttpClient Client { get; }
    public WarningLines Lines { get; private init; } = null!;

    public IEventLog Log => App.Services.GetRequiredService<IEventLog>();

    public static async Task<TopicsApp> StartAsync()
    {
        var lines = new WarningLines();
        var builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0", "--environment", "Production"]);
        builder.Logging.ClearProviders().AddProvider(lines).SetMinimumLevel(LogLevel.Warning);
        builder.AddInMemoryEventLog();
        builder.AddSse();

        // In which a minus is a tilde, and a day has no dashes.
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NegativeSign = "~";
        culture.DateTimeFormat.DateSeparator = "~";

        var app = builder.Build();
        app.Use(
            (context, next) =>
            {
                CultureInfo.CurrentCulture = culture;
                return next(context);
            }
        );
        MapStrings(app.MapGroup("/strings").AllowAnonymous());
        MapPatterns(app.MapGroup("/patterns").AllowAnonymous());
        MapHoles(app.MapGroup("/holes").AllowAnonymous());
        await app.StartAsync(TestContext.Current.CancellationToken);

        return new TopicsApp(app) { Lines = lines };
    }

    private static void MapStrings(RouteGroupBuilder strings)
    {
        strings.MapGet("/variable/{id}", Variable);
        strings.MapGet("/helper/{id}", (string id) => TypedResults.EventStream(Named(id)));
        strings.MapGet("/sum/{id}", (string id) => TypedResults.EventStream("orders." + id + ".paid"));
        strings.MapGet("/cast/{id}", (string id) => TypedResults.EventStream((EventTopic)Named(id)));
        strings.MapGet("/listed/{id}", (string id) => TypedResults.EventStream([$"news.today", Named(id)]));
        strings.MapGet(
            "/each/{id}",
            (string id) => TypedResults.EventStream([.. id.Split(',').Select<string, EventTopic>(one => Named(one))])
        );
        strings.MapGet("/whole/{topic}", (string topic) => TypedResults.EventStream(topic));
        strings.MapGet("/missing", () => TypedResults.EventStream(Missing()));
        strings.MapGet("/run/{id}", (string id) => TypedResults.RunStream(Named(id)));
        strings.MapGet("/constant", () => TypedResults.EventStream("orders.>"));

        static EventStreamResult Variable(string id)
        {
            var topic = $"orders.{id}.paid";
            return TypedResults.EventStream(topic);
        }

        static string Named(string id) => $"orders.{id}.paid";

        static string Missing() => null!;
    }

    private static void MapPatterns(RouteGroupBuilder patterns)
    {
        patterns.MapGet("/asked", () => TypedResults.EventStream(EventTopic.Pattern("orders.*.paid")));
        patterns.MapGet("/asked/{id}", (string id) => TypedResults.EventStream(EventTopic.Pattern($"orders.{id}.>")));
        patterns.MapGet("/written", () => TypedResults.EventStream($"orders.>"));
        patterns.MapGet("/written/{id}", (string id) => TypedResults.EventStream($"orders.{id}.*"));
        patterns.MapGet("/constant", () => TypedResults.EventStream("orders.7.paid"));
    }

    private static void MapHoles(RouteGroupBuilder holes)
    {
        holes.MapGet("/guid/{id:guid}", (Guid id) => TypedResults.EventStream($"of.{id:N}.>"));
        holes.MapGet("/day/{day}", (DateOnly day) => TypedResults.EventStream($"of.{day:yyyy-MM-dd}.>"));
        holes.MapGet("/nullable", (int? id) => TypedResults.EventStream($"of.{id}.>"));
        holes.MapGet("/padded", (int? id) => TypedResults.EventStream($"of.{id:D3}.>"));
        holes.MapGet("/bool/{flag:bool}", (bool flag) => TypedResults.EventStream($"of.{flag}.>"));
        holes.MapGet("/enum/{day}", (DayOfWeek day) => TypedResults.EventStream($"of.{day}.>"));
        holes.MapGet("/price/{price}", (decimal price) => TypedResults.EventStream($"of.{price}.>"));
        holes.MapGet("/money/{price}", (decimal price) => TypedResults.EventStream($"of.{price:0}.>"));
        holes.MapGet("/object/{id}", (string id) => TypedResults.EventStream($"of.{(object)id}.>"));
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.StopAsync(CancellationToken.None);
        await App.DisposeAsync();
    }
}
