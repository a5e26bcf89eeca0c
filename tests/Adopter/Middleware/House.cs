using Microsoft.AspNetCore.TestHost;

namespace Adopter.Middleware;

/// <summary>An application with one middleware or one kind of routes, set up as ASP.NET's documentation shows
/// it.</summary>
/// <param name="Name">The middleware.</param>
/// <param name="Add">Adds its services.</param>
/// <param name="Use">Adds it to the pipeline.</param>
/// <param name="Routes">Returns what the endpoints are mapped on, or null for the application.</param>
/// <param name="Prefix">What the paths of the endpoints begin with, seen from outside.</param>
/// <param name="Url">The server's address, or null if it has no sockets.</param>
/// <param name="Version">The version of HTTP.</param>
public sealed record House(
    string Name,
    Action<WebApplicationBuilder>? Add = null,
    Action<WebApplication>? Use = null,
    Func<WebApplication, IEndpointRouteBuilder>? Routes = null,
    string Prefix = "",
    string? Url = "http://127.0.0.1:0",
    Version? Version = null
)
{
    /// <summary>True if plain HTTP/1.1 streams may take over their connections.</summary>
    public bool MayTakeOver => Url == "http://127.0.0.1:0" && Version is null;

    /// <summary>Builds the application in Production.</summary>
    /// <param name="takesOver">True if streams take over their connections.</param>
    /// <param name="addLog">Adds the event log.</param>
    /// <param name="addMore">Adds what needs the streams. Null if there is nothing.</param>
    public WebApplication Build(
        bool takesOver,
        Action<WebApplicationBuilder> addLog,
        Action<WebApplicationBuilder>? addMore = null
    )
    {
        var builder = WebApplication.CreateBuilder([
            "--environment",
            "Production",
            "--urls",
            Url ?? "http://127.0.0.1:0",
            "--Logging:LogLevel:Default",
            "Error",
        ]);
        if (Url is null)
            builder.WebHost.UseTestServer();

        addLog(builder);
        builder.AddSse(sse => sse.TakeOverConnections = takesOver);
        addMore?.Invoke(builder);
        Add?.Invoke(builder);

        var app = builder.Build();
        Use?.Invoke(app);
        return app;
    }

    public override string ToString() => Name;
}
