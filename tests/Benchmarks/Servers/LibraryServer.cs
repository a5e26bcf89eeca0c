using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Benchmarks.Servers;

/// <summary>The mode <c>library</c>: an application that has <c>AddSse()</c> with its defaults, and its log in memory
/// as the plain server has its events.</summary>
internal static class LibraryServer
{
    private const string Topic = "benchmark.all";

    public static void Run(string url)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls(url);
        builder.AddInMemoryEventLog();
        builder.AddSse();

        var app = builder.Build();
        app.MapGet("/alive", () => "");
        app.MapGet("/sse", () => TypedResults.EventStream(Topic)).AllowAnonymous();
        app.MapPost(
            "/pub",
            async (HttpRequest request, IEventLog log) =>
            {
                using var body = new StreamReader(request.Body);
                await log.AppendAsync([new NewEvent(Topic, "m", await body.ReadToEndAsync())]);
                return TypedResults.Accepted((string?)null);
            }
        );
        app.Run();
    }
}
