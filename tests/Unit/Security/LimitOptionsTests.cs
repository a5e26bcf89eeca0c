using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Limits;

namespace Unit.Security;

public sealed class LimitOptionsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Development_has_no_limits_other_environments_have_all_and_a_limit_that_is_set_stays(bool development)
    {
        var limits = new LimitOptions { PublishesPerSecond = 7 };
        limits.Complete(development);
        var unset = typeof(LimitOptions)
            .GetProperties()
            .Where(p => p.PropertyType == typeof(int?) && p.Name != nameof(LimitOptions.PublishesPerSecond))
            .ToList();

        Assert.All(unset, p => Assert.Equal((p.Name, development), (p.Name, IsUnlimited((int?)p.GetValue(limits)))));
        Assert.True(unset.Count > 5);
        Assert.Equal(7, limits.PublishesPerSecond);

        static bool IsUnlimited(int? limit) => limit!.Value >= LimitOptions.Unlimited;
    }

    [Fact]
    public void Kestrel_enforces_the_limits_of_heads_bodies_and_idle_connections()
    {
        var kestrel = new KestrelServerOptions();
        var limits = new LimitOptions
        {
            MaxBodyBytes = 2_000,
            KeepAliveSeconds = 3,
            HeaderSeconds = 4,
            MinBodyBytesPerSecond = 500,
            BodyGraceSeconds = 6,
        };
        Environment(limits, "Production").Configure(kestrel);
        var set = kestrel.Limits;
        var rate = kestrel.Limits.MinRequestBodyDataRate!;
        Assert.Equal(
            (2_000, 3, 4),
            (set.MaxRequestBodySize, Seconds(set.KeepAliveTimeout), Seconds(set.RequestHeadersTimeout))
        );
        Assert.Equal((500, 6), (rate.BytesPerSecond, Seconds(rate.GracePeriod)));

        static double Seconds(TimeSpan time) => time.TotalSeconds;
    }

    [Theory]
    [InlineData("Production", null, 100)]
    [InlineData("Development", null, 0)]
    [InlineData("Production", 7, 7)]
    public void Streams_of_a_client_are_limited_outside_Development(string environment, int? set, int effective)
    {
        var options = new SseOptions { MaxConnectionsPerClient = set };
        Environment(new LimitOptions(), environment).PostConfigure(null, options);
        Assert.Equal(effective, options.MaxConnectionsPerClient);
    }

    /// <summary>.NET terminates when it runs out of descriptors.</summary>
    [Theory]
    [InlineData(100)]
    [InlineData(LimitOptions.Unlimited)]
    public void Connections_leave_descriptors_to_requests_to_models_and_512_to_other_work(int connectionsPerSecond)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The limit of a process is read on Linux only.");
        var line = File.ReadLines("/proc/self/limits")
            .First(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        var soft = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3];

        Assert.SkipWhen(soft == "unlimited", "This process may have any number of descriptors.");

        var kestrel = new KestrelServerOptions();
        var limits = new LimitOptions { ConnectionsPerSecond = connectionsPerSecond };

        var rate = new ConnectionRateLimit(
            Options.Create(limits),
            Options.Create(new SecurityOptions()),
            TimeProvider.System,
            DescriptorLimit.MaxWaiting
        );

        new DescriptorLimit(
            Options.Create(new SseOptions()),
            Options.Create(new AdmissionOptions { OutgoingConnections = 100 }),
            rate,
            NullLogger<DescriptorLimit>.Instance
        ).Configure(kestrel);

        var waiting = rate.IsEnabled ? DescriptorLimit.MaxWaiting : 0;
        var all = long.Parse(soft, CultureInfo.InvariantCulture);
        Assert.Equal(all - 512 - 100, kestrel.Limits.MaxConcurrentConnections + waiting);
        Assert.InRange(DescriptorLimit.MaxWaiting, 1, Math.Min(4_096, all / 8));
    }

    private static EnvironmentLimits Environment(LimitOptions limits, string environment) =>
        new(Options.Create(limits), new HostingEnvironment { EnvironmentName = environment });
}
