using Aspire.StackExchange.Redis;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the Redis that carries the relay's messages.</summary>
public static class RelayRedis
{
    /// <summary>
    /// Adds a <see cref="Lazy{T}"/> of <see cref="IConnectionMultiplexer"/> over the connection string
    /// <paramref name="connectionName"/>, and connects in the background. The host's start fails, naming the connection
    /// string, if that is missing.
    /// </summary>
    /// <remarks>
    /// A Redis that does not answer does not delay the start. Constructors take the <see cref="Lazy{T}"/>: the
    /// connection itself would block the first thread that asks for it.
    /// </remarks>
    public static TBuilder AddRelayRedis<TBuilder>(
        this TBuilder builder,
        string connectionName = "redis",
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null
    )
        where TBuilder : IHostApplicationBuilder
    {
        var isSet = false;
        builder.AddRedisClient(
            connectionName,
            settings =>
            {
                configureSettings?.Invoke(settings);
                // Automatic activation would connect during the host's start.
                settings.DisableAutoActivation = true;
                isSet = !string.IsNullOrWhiteSpace(settings.ConnectionString);
                // Defaults: the connection string comes last and overrides them.
                if (isSet)
                    settings.ConnectionString =
                        $"connectTimeout=1000,connectRetry=1,keepAlive=5,{settings.ConnectionString}";
            },
            options =>
            {
                options.ReconnectRetryPolicy = new LinearRetry(250);
                configureOptions?.Invoke(options);
            }
        );
        builder.Services.AddSingleton(services => new Lazy<IConnectionMultiplexer>(
            services.GetRequiredService<IConnectionMultiplexer>
        ));
        builder.Services.AddHostedService<SlotAgreement>();
        builder.Services.AddHostedService(services => new Opening(
            services.GetRequiredService<Lazy<IConnectionMultiplexer>>(),
            isSet ? null : connectionName
        ));
        return builder;
    }

    private sealed class Opening(Lazy<IConnectionMultiplexer> redis, string? missing) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            if (missing is not null)
                throw new InvalidOperationException(
                    $"The connection string '{missing}' is missing. Set ConnectionStrings__{missing}=localhost:6379, "
                        + $"or in the AppHost add WithReference({missing})."
                );
            _ = Task.Run(() => redis.Value, CancellationToken.None);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
