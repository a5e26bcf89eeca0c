using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Adopter.Showing;
using Microsoft.AspNetCore.Mvc;

namespace Adopter.Items;

/// <summary>The events of an application whose API is controllers.</summary>
public sealed class ControllerJsonTests
{
    private const string Text = """{"state":"Paid"}""",
        Number = """{"state":1}""",
        SnakeCase = """{"state":"paid"}""";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, Text, Text)]
    [InlineData(true, Text, SnakeCase)]
    public async Task Events_say_what_the_application_has_configured(bool alsoEndpoints, string api, string events)
    {
        await using var app = await StartAsync(controllers: true, alsoEndpoints);
        Assert.Equal(api, await app.Client.GetStringAsync("/bills/7", Stop));
        Assert.Equal(events, await EventAsync(app));

        Assert.Equal(
            alsoEndpoints ? 1 : 0,
            app.Lines.Count(line => line.Text.Contains("ConfigureHttpJsonOptions", StringComparison.Ordinal))
        );
    }

    [Fact]
    public async Task Without_any_the_events_are_as_the_framework_writes_them()
    {
        await using var app = await StartAsync(controllers: false, endpoints: false);
        Assert.Equal(Number, await app.Client.GetStringAsync("/bills/7", Stop));
        Assert.Equal(Number, await EventAsync(app));
    }

    private static readonly Dictionary<string, Action<JsonSerializerOptions>> Hiding = new()
    {
        ["an option"] = json => json.IgnoreReadOnlyProperties = true,
        ["a modifier around the resolver"] = json =>
            json.TypeInfoResolver = json.TypeInfoResolver!.WithAddedModifier(Hide),
        ["a modifier of the resolver"] = json =>
            json.TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { Hide } },
    };

    public static TheoryData<string> Ways => [.. Hiding.Keys];

    /// <summary>Properties that an API keeps to itself are in none of its events.</summary>
    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Events_hide_what_the_controllers_hide(string way)
    {
        await using var app = await SmallApp.StartAsync(
            _ => { },
            builder => builder.Services.AddControllers().AddJsonOptions(json => Hiding[way](json.JsonSerializerOptions))
        );
        await app.Log.AppendAsync("accounts.7", "opened", new Account { Name = "ann" }, cancellationToken: Stop);

        var page = await app.Log.ReadAsync(new(), Stop);
        Assert.Equal("""{"name":"ann"}""", Encoding.UTF8.GetString(page.Events[0].Data.Span));
        Assert.Empty(app.Lines);
    }

    [Fact]
    public async Task Enumerations_that_look_different_are_warned_of_and_those_that_look_the_same_are_not()
    {
        Assert.Equal(1, await WarningsAsync(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower)));
        Assert.Equal(0, await WarningsAsync(new JsonStringEnumConverter()));

        static async Task<int> WarningsAsync(JsonConverter ofControllers)
        {
            await using var app = await SmallApp.StartAsync(
                _ => { },
                builder =>
                {
                    builder
                        .Services.ConfigureHttpJsonOptions(json =>
                            json.SerializerOptions.Converters.Add(new JsonStringEnumConverter())
                        )
                        .AddProblemDetails()
                        .AddControllers()
                        .AddJsonOptions(json => json.JsonSerializerOptions.Converters.Add(ofControllers));
                }
            );
            return app.Lines.Count(line => line.Text.Contains("ConfigureHttpJsonOptions", StringComparison.Ordinal));
        }
    }

    private static void Hide(JsonTypeInfo type)
    {
        foreach (var secret in type.Properties.Where(property => property.Name == "secret").ToArray())
            type.Properties.Remove(secret);
    }

    private sealed class Account
    {
        public required string Name { get; init; }

        public string Secret => $"{Name} is a spy";
    }

    private static async Task<string> EventAsync(SmallApp app)
    {
        await app.Log.AppendAsync("bills.7", "paid", new Bill(BillState.Paid), cancellationToken: Stop);
        var page = await app.Log.ReadAsync(new(), Stop);
        return Encoding.UTF8.GetString(page.Events[0].Data.Span);
    }

    private static Task<SmallApp> StartAsync(bool controllers, bool endpoints) =>
        SmallApp.StartAsync(
            app => app.MapControllers(),
            builder =>
            {
                var mvc = builder.Services.AddControllers().AddApplicationPart(typeof(BillsController).Assembly);
                if (controllers)
                    mvc.AddJsonOptions(json =>
                        json.JsonSerializerOptions.Converters.Add(new JsonStringEnumConverter())
                    );
                if (endpoints)
                    builder.Services.ConfigureHttpJsonOptions(json =>
                    {
                        json.SerializerOptions.DictionaryKeyPolicy = JsonNamingPolicy.SnakeCaseLower;
                        json.SerializerOptions.Converters.Add(
                            new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower)
                        );
                    });
            }
        );
}

public enum BillState
{
    Open,
    Paid,
}

public sealed record Bill(BillState State);

[ApiController]
[Route("bills")]
public sealed class BillsController : ControllerBase
{
    [HttpGet("{id}")]
    public Bill Get(string id) => id.Length > 0 ? new Bill(BillState.Paid) : new Bill(BillState.Open);
}
