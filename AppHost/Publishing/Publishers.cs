using Microsoft.Extensions.Configuration;

namespace AppHost;

/// <summary>The model for production, and the choice of the publisher: <c>--Publish:To=compose</c> (default) or
/// <c>kubernetes</c>. A model with both would need a target for each resource.</summary>
internal static partial class Publishing
{
    private const string Migrations = "migrations",
        Postgres = "postgres";

    static partial void Add(IDistributedApplicationBuilder builder)
    {
        if (!builder.ExecutionContext.IsPublishMode)
            return;
        var projects = builder
            .Resources.OfType<ProjectResource>()
            .Select(builder.CreateResourceBuilder)
            .ToDictionary(project => project.Resource.Name);
        projects.Remove("loadtests", out var loadTests);
        loadTests?.ExcludeFromManifest();
        Configure(builder, projects);
        switch (builder.Configuration["Publish:To"])
        {
            case null or "" or "compose":
                AddCompose(builder, projects.Values);
                break;
            case "kubernetes":
                AddKubernetes(builder, projects.Values);
                break;
            case var other:
                throw new InvalidOperationException($"Publish:To is '{other}'; it must be compose or kubernetes.");
        }
    }

    /// <summary>Replaces the settings of Development. Their values are parameters of the published files.</summary>
    private static void Configure(
        IDistributedApplicationBuilder builder,
        Dictionary<string, IResourceBuilder<ProjectResource>> projects
    )
    {
        var api = builder.AddParameter("api-url");
        var pages = builder.AddParameter("pages-url");
        var proxies = builder.AddParameter("proxies");
        var key = builder.AddParameter("frontend-key", secret: true);
        var hash = builder.AddParameter("frontend-key-sha256", secret: true);
        var admin = builder.AddParameter("admin-key-sha256", secret: true);
        foreach (var project in projects.Values)
            project
                .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Production")
                .WithEnvironment("DOTNET_ENVIRONMENT", "Production");

        var streamapi = projects["streamapi"];
        streamapi
            .WithEnvironment("Cors__AllowedOrigins__0", pages)
            .WithEnvironment("Security__Proxies__0", proxies)
            .WithEnvironment("Security__ApiKeys__0__Name", "frontend")
            .WithEnvironment("Security__ApiKeys__0__Sha256", hash)
            .WithEnvironment("Security__ApiKeys__1__Name", "admin")
            .WithEnvironment("Security__ApiKeys__1__Sha256", admin)
            .WithEnvironment("Security__ApiKeys__1__Subscribe__0", ">")
            .WithEnvironment("Security__ApiKeys__1__Publish__0", ">");
        // The developer certificate is valid on this machine only; a proxy terminates TLS.
        foreach (var https in streamapi.Resource.Annotations.OfType<EndpointAnnotation>().ToList())
            if (https.UriScheme == "https")
                streamapi.Resource.Annotations.Remove(https);

        projects["webfrontend"]
            .WithEnvironment("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true")
            .WithEnvironment("StreamApi__PublicUrl", api)
            .WithEnvironment("StreamApi__ApiKey", key)
            .WithEnvironment("SignIn__Enabled", "true");
    }

    private static int Replicas(ProjectResource project) =>
        project.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) ? replicas.Replicas : 1;
}
