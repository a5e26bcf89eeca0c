using System.IO.Compression;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.HttpLogging;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Adopter.Middleware;

/// <summary>The middleware of ASP.NET that times, buffers, stores, rewrites, redirects, counts or logs
/// responses.</summary>
internal static class MiddlewareTable
{
    /// <summary>The limit of the request timeouts.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private static readonly Version Http2 = new(2, 0);

    public static readonly House RequestTimeouts = new(
        "request timeouts",
        builder =>
            builder.Services.AddRequestTimeouts(options =>
                options.DefaultPolicy = new RequestTimeoutPolicy { Timeout = Timeout }
            ),
        app => app.UseRequestTimeouts()
    );

    public static readonly House RequestTimeoutsOfRoutes = new(
        "request timeouts of the routes",
        builder => builder.Services.AddRequestTimeouts(),
        app => app.UseRequestTimeouts(),
        app =>
        {
            var group = app.MapGroup("/timed");
            group.WithRequestTimeout(Timeout);
            return group;
        },
        "/timed"
    );

    private static readonly IReadOnlyList<House> All =
    [
        new("nothing"),
        RequestTimeouts,
        RequestTimeoutsOfRoutes,
        new(
            "response compression",
            builder =>
                builder
                    .Services.AddResponseCompression(options =>
                    {
                        options.EnableForHttps = true;
                        options.MimeTypes = [.. ResponseCompressionDefaults.MimeTypes, "text/event-stream"];
                    })
                    .Configure<GzipCompressionProviderOptions>(gzip => gzip.Level = CompressionLevel.SmallestSize),
            app => app.UseResponseCompression()
        ),
        new(
            "output cache, base policy",
            builder =>
                builder.Services.AddOutputCache(options =>
                    options.AddBasePolicy(policy => policy.Expire(TimeSpan.FromMinutes(1)))
                ),
            app => app.UseOutputCache()
        ),
        new(
            "output cache, group",
            builder => builder.Services.AddOutputCache(),
            app => app.UseOutputCache(),
            app =>
            {
                var group = app.MapGroup("/cached");
                group.CacheOutput();
                return group;
            },
            "/cached"
        ),
        new(
            "response caching",
            builder => builder.Services.AddResponseCaching(),
            app =>
            {
                app.UseResponseCaching();
                app.Use(
                    (context, next) =>
                    {
                        context.Response.Headers.CacheControl = "public, max-age=60";
                        return next(context);
                    }
                );
            }
        ),
        new(
            "rate limiter",
            builder =>
                builder.Services.AddRateLimiter(options =>
                    options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(_ =>
                        RateLimitPartition.GetConcurrencyLimiter(
                            "all",
                            _ => new ConcurrencyLimiterOptions { PermitLimit = 20 }
                        )
                    )
                ),
            app => app.UseRateLimiter()
        ),
        new(
            "HTTP logging with bodies",
            builder =>
            {
                builder.Logging.ClearProviders().AddProvider(new Silence());
                builder.Logging.AddFilter("Microsoft.AspNetCore.HttpLogging", LogLevel.Information);
                builder.Services.AddHttpLogging(options =>
                {
                    options.LoggingFields = HttpLoggingFields.All;
                    options.MediaTypeOptions.AddText("text/event-stream");
                });
            },
            app => app.UseHttpLogging()
        ),
        new("exception handler", null, app => app.UseExceptionHandler("/error")),
        new("developer exception page", null, app => app.UseDeveloperExceptionPage()),
        new("status code pages, again", null, app => app.UseStatusCodePagesWithReExecute("/error")),
        new("status code pages, redirect", null, app => app.UseStatusCodePagesWithRedirects("/error")),
        new("antiforgery", builder => builder.Services.AddAntiforgery(), app => app.UseAntiforgery()),
        new(
            "path base",
            null,
            app =>
            {
                app.UsePathBase("/shop");
                app.UseRouting();
            },
            Prefix: "/shop"
        ),
        new("route group", Routes: app => app.MapGroup("/tenants/{tenant}"), Prefix: "/tenants/7"),
        new(
            "forwarded headers",
            builder =>
                builder.Services.Configure<ForwardedHeadersOptions>(options =>
                    options.ForwardedHeaders = ForwardedHeaders.All
                ),
            app => app.UseForwardedHeaders()
        ),
        new(
            "host filtering",
            builder => builder.Configuration["AllowedHosts"] = "127.0.0.1;localhost",
            app => app.UseHostFiltering()
        ),
        new(
            "session",
            builder => builder.Services.AddDistributedMemoryCache().AddSession(),
            app =>
            {
                app.UseSession();
                app.Use(
                    (context, next) =>
                    {
                        context.Session.SetString("seen", "yes");
                        return next(context);
                    }
                );
            }
        ),
        new("localization", null, app => app.UseRequestLocalization()),
        new("cookie policy", null, app => app.UseCookiePolicy()),
        new("CORS", builder => builder.Services.AddCors(), app => app.UseCors(policy => policy.AllowAnyOrigin())),
        new(
            "request decompression",
            builder => builder.Services.AddRequestDecompression(),
            app => app.UseRequestDecompression()
        ),
        new(
            "Blazor",
            builder => builder.Services.AddRazorComponents(),
            app =>
            {
                app.UseStatusCodePagesWithReExecute("/error");
                app.UseAntiforgery();
                app.MapRazorComponents<BlazorPage>();
            }
        ),
        new("a server without sockets", Url: null),
        new(
            "HTTP/2",
            builder =>
                builder.WebHost.ConfigureKestrel(kestrel =>
                    kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2)
                ),
            Version: Http2
        ),
        new(
            "HTTPS, HSTS and redirection",
            builder => builder.WebHost.ConfigureKestrel(UseCertificate),
            app =>
            {
                app.UseHsts();
                app.UseHttpsRedirection();
            },
            Url: "https://127.0.0.1:0",
            Version: Http2
        ),
    ];

    /// <summary>Each middleware, without and, where that is possible, with takeover of connections.</summary>
    public static IEnumerable<(House House, bool TakesOver)> Rows =>
        All.SelectMany(house => house.MayTakeOver ? (bool[])[false, true] : [false], (house, over) => (house, over));

    public static House Named(string name) => All.Single(house => house.Name == name);

    private static void UseCertificate(KestrelServerOptions kestrel)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = certificate);
    }

    /// <summary>Takes every line, and keeps none.</summary>
    private sealed class Silence : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => formatter(state, exception);

        public void Dispose() { }
    }

    /// <summary>A page of the application.</summary>
    [Route("/page")]
    private sealed class BlazorPage : ComponentBase;
}
