namespace StreamApi.Replicas;

/// <summary>
/// <c>GET /v1/replicas</c>: every StreamApi replica with its own address, because the public address may lead to any of
/// them. <c>?lost=true</c> adds replicas lost in the last minutes.
/// </summary>
internal static class ReplicasApi
{
    public static void AddReplicas(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<ReplicaOptions>()
            .BindConfiguration("Replicas")
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.AddEventStorePool(ReplicaTable.Pool, ReplicaTable.Connections);
        builder.Services.AddSingleton<ReplicaTable>();
        builder.Services.AddSingleton<ThisReplica>();
        builder.Services.AddSingleton<ReplicaDirectory>();
        builder.Services.AddHostedService<ReplicaAnnouncer>();
    }

    public static void MapReplicas(this IEndpointRouteBuilder app)
    {
        app.MapGet(
                "/v1/replicas",
                async (HttpRequest request, ReplicaDirectory directory, CancellationToken cancellationToken) =>
                    TypedResults.Ok<IReadOnlyList<Replica>>([
                        .. await directory.AllAsync(cancellationToken),
                        .. request.Query.Flag("lost") == true ? await directory.LostAsync(cancellationToken) : [],
                    ])
            )
            .Query("lost", "true: also replicas that are gone.")
            .WithTags("Replicas");
    }
}
