using EventStore;
using Microsoft.AspNetCore.Authorization;
using Streaming;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Feed;
using Streaming.Opening;
using Streaming.Tickets;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds streams of the event log to any ASP.NET Core application.</summary>
/// <remarks>Needed once by every application that streams events.</remarks>
public static class SseExtensions
{
    /// <summary>Adds what <see cref="Microsoft.AspNetCore.Http.HttpResults.EventStreamResult"/> needs. The event log
    /// must have been added before (<see cref="EventStoreExtensions.AddEventStore"/>).</summary>
    /// <remarks>Kestrel's settings stay the application's own. A worker (<c>Host.CreateApplicationBuilder</c>) opens no
    /// streams, but does everything else, such as continuing runs. ASP.NET Core's authentication and policies decide
    /// who reads what, unless an <see cref="IStreamAccess"/> was added before.</remarks>
    /// <param name="builder">The application's builder.</param>
    /// <param name="configure">Changes settings.</param>
    /// <param name="redis">Name of the connection string of Redis, or null. Without Redis, new events come from the log
    /// by Postgres's notifications, and one of the processes moves the outbox and drops old events. With it, they come
    /// through Redis, which at least one process must feed (<see cref="LeadingExtensions.AddSseBroadcaster"/>); while
    /// none does, the log is read.</param>
    /// <param name="name">The name of this process in greetings, metrics and leases, or null for its machine's name and
    /// its id.</param>
    /// <exception cref="InvalidOperationException">No event log was added, or the streams were added
    /// already.</exception>
    public static TBuilder AddSse<TBuilder>(
        this TBuilder builder,
        Action<SseOptions>? configure = null,
        string? redis = null,
        string? name = null
    )
        where TBuilder : IHostApplicationBuilder
    {
        if (builder.Services.All(service => service.ServiceType != typeof(ILogReader)))
            throw new InvalidOperationException("AddSse needs an event log: call AddEventStore(…) before it.");
        if (builder.Services.Any(service => service.ServiceType == typeof(StreamOpener)))
            throw new InvalidOperationException(
                "The application has its streams already: call AddSse once, with all settings."
            );

        var isInMemory = builder.Services.Any(service => service.ServiceType == typeof(MemoryLog));
        if (isInMemory && redis is not null)
            throw new InvalidOperationException("A log in memory is one process's: call AddSse without Redis.");

        var hasOwnAccess = builder.Services.Any(service => service.ServiceType == typeof(IStreamAccess));
        builder.Services.Configure<SseOptions>(options =>
        {
            options.Replica = name ?? options.Replica;
            configure?.Invoke(options);
        });

        builder.Services.AddStreams();
        builder.Services.AddUnreadNotice();
        if (hasOwnAccess)
            builder.Services.AddSingleton<OwnerAccess, GrantedOwnerAccess>();
        else
        {
            builder.Services.AddSingleton<IStreamAccess, PolicyAccess>();
            builder.Services.AddSingleton<OwnerAccess, PolicyOwnerAccess>();
            builder.Services.AddSingleton<IAuthorizationHandler, PolicyTopicAccess>();
        }

        builder.Services.AddSingleton<IAuthorizationHandler, RefusalStatusHandler>();
        builder.Services.AddHostedService<ResponseRateNotice>();

        if (isInMemory)
        {
            builder.Services.AddSingleton<ILiveSource, LogTail>();
            return builder;
        }

        builder.Services.AddStoredStreams();
        builder.Services.AddTickets();
        if (!hasOwnAccess)
            builder.Services.AddTicketPolicies();

        if (redis is not null)
        {
            builder.AddRelayRedis(redis);
            builder.Services.AddRedisIntake();
            return builder;
        }

        builder.Services.AddSingleton<ILiveSource, LogTail>();
        builder.Services.AddHostedService<SchemaAgreement>();
        // Without Redis there is no Broadcaster, so one of these processes leads.
        builder.Services.AddLeading(name);

        return builder;
    }
}
