using System.Net;
using AspireSse.Server;

namespace Adopter.Callers;

/// <summary>An application that puts its own access around the library's, such as one that logs who asks.</summary>
public sealed class WrappedAccessTests : IAsyncLifetime
{
    private CallersApp _app = null!;
    private GatewayClient _own = null!;
    private GatewayClient _other = null!;

    public async ValueTask InitializeAsync()
    {
        _app = await CallersApp.StartAsync(services: Wrap);
        (_own, _other) = await CallerPairs.OfAsync(_app, "keys");
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task A_generation_stays_its_callers_own()
    {
        var generation = await _own.GenerateAsync();

        Assert.Equal(HttpStatusCode.OK, await _own.ReadAsync(generation));
        Assert.Equal(HttpStatusCode.Forbidden, await _other.ReadAsync(generation));
        Assert.Equal(HttpStatusCode.Forbidden, await _other.ReadAsync(generation + "/stream"));
        Assert.Equal(HttpStatusCode.Forbidden, await _other.CancelAsync(generation));
    }

    [Fact]
    public async Task A_session_stays_its_callers_own()
    {
        var session = await _own.BeginSessionAsync();

        Assert.Equal(HttpStatusCode.OK, await _own.SayAsync(session));
        Assert.Equal(HttpStatusCode.Forbidden, await _other.SayAsync(session));
        Assert.Equal(HttpStatusCode.Forbidden, await _other.ReadAsync($"/stream/{session}"));
    }

    [Fact]
    public async Task An_agents_answer_continues_for_the_caller_who_asked_alone()
    {
        var ids = await _own.AskAsync();

        Assert.Contains("event: end", await _own.ContinueAsync(ids[0]), StringComparison.Ordinal);
        foreach (var id in ids.Take(2))
            Assert.Equal("", await _other.ContinueAsync(id));
    }

    [Fact]
    public async Task A_ticket_reads_what_its_caller_began_and_nothing_else()
    {
        using var anonymous = _app.Anonymous();
        var holder = new GatewayClient(anonymous);
        var stream = await _own.GenerateAsync() + "/stream";

        var ticket = await _own.TicketAsync("generations.>");
        Assert.Equal(HttpStatusCode.OK, await holder.ReadAsync($"{stream}?ticket={ticket}"));
        var foreign = await _other.TicketAsync("generations.>");
        Assert.Equal(HttpStatusCode.Forbidden, await holder.ReadAsync($"{stream}?ticket={foreign}"));
    }

    private static void Wrap(IServiceCollection services)
    {
        var access = services.Single(service => service.ServiceType == typeof(IStreamAccess));
        services.Remove(access);
        services.AddSingleton<IStreamAccess>(provider => new LoggingAccess(
            (IStreamAccess)ActivatorUtilities.CreateInstance(provider, access.ImplementationType!),
            provider.GetRequiredService<ILogger<LoggingAccess>>()
        ));
    }

    private sealed class LoggingAccess(IStreamAccess inner, ILogger<LoggingAccess> logger) : IStreamAccess
    {
        public ClientKey ClientOf(HttpContext context) => inner.ClientOf(context);

        public StreamCaller CallerOf(HttpContext context) => inner.CallerOf(context);

        public bool MayRead(HttpContext context, string topic)
        {
            logger.LogInformation("{Path} asks for {Topic}", context.Request.Path, topic);
            return inner.MayRead(context, topic);
        }

        public string? OwnerOf(HttpContext context) => inner.OwnerOf(context);
    }
}
