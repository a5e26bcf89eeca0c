using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Options;

namespace Adopter.Footprint;

/// <summary>State of the host stays as the host has it.</summary>
[Collection(Alone)]
public sealed class HostTests
{
    /// <summary>A collection whose tests have the process to themselves.</summary>
    public const string Alone = "Has the process to itself";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Adding_starting_and_stopping_leaves_the_state_of_the_process_as_it_was()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        // What ASP.NET itself sets at its first use.
        await using (var without = CrowdedApp.Build(database.ConnectionString, hasStreams: false))
        {
            await without.StartAsync(Stop);
            await without.StopAsync(Stop);
        }

        var before = ProcessState.Read();
        await using var app = CrowdedApp.Build(database.ConnectionString);
        await app.EnsureSchemaAsync(Stop);
        await app.StartAsync(Stop);
        await app
            .Services.GetRequiredService<IEventLog>()
            .AppendAsync("orders.7.paid", "paid", 1, cancellationToken: Stop);
        var running = ProcessState.Read();
        await app.StopAsync(Stop);

        Assert.Equal(before, running);
        Assert.Equal(before, ProcessState.Read());
    }

    [Fact]
    public async Task The_options_of_the_host_and_its_server_are_those_of_the_application()
    {
        await using var without = CrowdedApp.Build("Host=127.0.0.1", hasStreams: false);
        await using var app = CrowdedApp.Build("Host=127.0.0.1");

        Assert.Equal(
            CrowdedApp.Shutdown,
            app.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout
        );
        AssertSame<HostOptions>();
        AssertSame<KestrelServerOptions>();
        AssertSame<SocketTransportOptions>();
        AssertSame<HostFilteringOptions>();
        AssertSame<ForwardedHeadersOptions>();
        AssertSame<AuthorizationOptions>();
        AssertSame<HttpClientFactoryOptions>();
        AssertSame<RouteHandlerOptions>();

        void AssertSame<T>()
            where T : class =>
            Assert.Equal(
                ValuesOf(without.Services.GetRequiredService<IOptions<T>>().Value),
                ValuesOf(app.Services.GetRequiredService<IOptions<T>>().Value)
            );
    }

    /// <summary>Every three seconds the process would have been compacted if it had grown in a quiet time.</summary>
    [Fact]
    public async Task A_quiet_process_that_has_grown_is_not_collected_by_us()
    {
        var clock = new MovableClock();
        var builder = WebApplication.CreateBuilder(["--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Warning"]);
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.AddInMemoryEventLog().AddSse();
        await using var app = builder.Build();
        await app.StartAsync(Stop);

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(3), clock);
        await PassAsync(checks: 5);
        var grown = Enumerable.Range(0, 150).Select(_ => Filled()).ToList();
        GC.Collect(0);
        var before = GC.GetGCMemoryInfo(GCKind.FullBlocking).Index;
        await PassAsync(checks: 40);

        Assert.Equal(before, GC.GetGCMemoryInfo(GCKind.FullBlocking).Index);
        GC.KeepAlive(grown);
        await app.StopAsync(Stop);

        async Task PassAsync(int checks)
        {
            for (var i = 0; i < checks; i++)
            {
                clock.Advance(TimeSpan.FromSeconds(3));
                await timer.WaitForNextTickAsync(Stop);
            }
        }

        static byte[] Filled()
        {
            var bytes = new byte[1_000_000];
            Array.Fill(bytes, (byte)1);
            return bytes;
        }
    }

    /// <summary>Returns the simple values of an object, and of what it consists of.</summary>
    private static SortedDictionary<string, string> ValuesOf(object options)
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add(options, "");
        return values;

        void Add(object part, string path)
        {
            foreach (var property in part.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
            {
                if (property.GetIndexParameters().Length > 0 || property.PropertyType == typeof(IServiceProvider))
                    continue;

                var value = property.GetValue(part);
                var name = $"{path}{property.Name}";
                if (value is null or string or Delegate || property.PropertyType.IsValueType)
                    values[name] = value is Delegate made ? $"{made.Method.DeclaringType} {made.Method}" : $"{value}";
                else if (value is System.Collections.ICollection many)
                    values[name] = $"{many.Count} of {many.GetType()}";
                else if (property.PropertyType.Name.EndsWith("Limits", StringComparison.Ordinal))
                    Add(value, $"{name}.");
            }
        }
    }
}

[CollectionDefinition(HostTests.Alone, DisableParallelization = true)]
public sealed class AloneInTheProcess;
