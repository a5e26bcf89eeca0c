// Stands in for Aspire.StackExchange.Redis. Not affiliated with Microsoft or the .NET Foundation.
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>Opens the connection at the host's start when the settings ask for it.</summary>
internal sealed class RedisActivation(Func<IConnectionMultiplexer> open) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        open();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
