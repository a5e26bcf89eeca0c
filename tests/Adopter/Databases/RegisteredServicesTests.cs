using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Adopter.Databases;

/// <summary>A common type that a library registers becomes the application's own service of that type: nothing is
/// registered so, except what this table names.</summary>
public sealed class RegisteredServicesTests
{
    private static readonly Dictionary<string, Action<WebApplicationBuilder>> Applications = new()
    {
        ["the log"] = builder => builder.AddEventStore("log"),
        ["streams"] = builder => builder.AddEventStore("log").AddSse(),
        ["streams in memory"] = builder => builder.AddInMemoryEventLog().AddSse(),
        ["streams by Redis"] = builder => builder.AddEventStore("log").AddSse(redis: "redis").AddSseBroadcaster(),
        ["a Broadcaster"] = builder => builder.AddEventStore("log").AddSseBroadcaster(),
        ["runs"] = builder => builder.AddEventStore("log").AddSse().AddSseRuns(),
        ["the gateway"] = builder => builder.AddEventStore("log").AddSse().AddLlmGateway(),
    };

    /// <summary>Services of the framework that an application has once, and why ours may be it.</summary>
    private static readonly Dictionary<string, string> Allowed = new()
    {
        [typeof(TimeProvider).FullName!] =
            "the system's clock, unless the application has one, as AddAuthentication adds it",
        [typeof(IPolicyEvaluator).FullName!] = "the framework's, which also knows the tickets of streams",
        ["OpenTelemetry.Instrumentation.StackExchangeRedis.StackExchangeRedisInstrumentation"] =
            "the list of connections that are traced, to which ours is added",
    };

    /// <summary>Services of which an application has many, and all are asked.</summary>
    private static readonly Type[] Collections =
    [
        typeof(IHostedService),
        typeof(IAuthorizationHandler),
        typeof(IProblemDetailsWriter),
        typeof(IApiDescriptionProvider),
        typeof(IConfigureOptions<>),
        typeof(IPostConfigureOptions<>),
        typeof(IValidateOptions<>),
        typeof(IOptionsChangeTokenSource<>),
        typeof(IOptionsFactory<>),
    ];

    public static TheoryData<string> Names => [.. Applications.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_common_type_is_registered_only_with_a_key_of_the_library(string application)
    {
        var framework = Framework();
        var builder = LogApp.Builder("Host=db", "--ConnectionStrings:redis", "cache:6379");
        var before = builder.Services.ToHashSet();

        Applications[application](builder);

        var added = builder.Services.Where(service => !before.Contains(service)).ToList();
        Assert.NotEmpty(added);
        Assert.Empty(
            from service in added
            where
                !service.IsKeyedService
                && !IsOurs(service.ServiceType)
                && !Allowed.ContainsKey(service.ServiceType.FullName ?? "")
            let type = service.ServiceType
            where !Collections.Contains(type.IsGenericType ? type.GetGenericTypeDefinition() : type)
            where !framework.Contains(type)
            select type.FullName
        );
        Assert.Empty(
            from service in added
            where service.IsKeyedService && !IsOurs(service.ServiceType)
            where service.ServiceKey?.ToString()?.StartsWith("AspireSse.", StringComparison.Ordinal) is not true
            select $"{service.ServiceType.FullName}, key {service.ServiceKey}"
        );
    }

    /// <summary>Returns what the framework's own methods add, which the libraries call and an application may call
    /// again.</summary>
    private static HashSet<Type> Framework()
    {
        var services = new ServiceCollection();
        services.AddHealthChecks();
        services.AddAuthorization();
        services.AddMetrics();
        services.AddHttpClient();
        services.AddOptions<HealthCheckServiceOptions>().ValidateOnStart();
        services.AddOpenTelemetry().WithTracing().WithMetrics();
        return
        [
            .. services.Select(service => service.ServiceType),
            .. services
                .Select(service => service.ServiceType)
                .Where(type => type.IsGenericType)
                .Select(type => type.GetGenericTypeDefinition()),
        ];
    }

    private static bool IsOurs(Type type) =>
        type.Assembly.GetName().Name!.StartsWith("AspireSse.", StringComparison.Ordinal)
        || (type.IsGenericType && type.GenericTypeArguments.Any(IsOurs));
}
