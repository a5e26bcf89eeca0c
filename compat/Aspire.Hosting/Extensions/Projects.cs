// Stands in for Aspire.Hosting's AddProject, AddExecutable, AddParameter and AddConnectionString. Not affiliated with
// Microsoft.
using System.Globalization;

namespace Aspire.Hosting;

/// <summary>A project that was built together with the AppHost. It
/// runs as `dotnet {OutputPath}`, without another build.</summary>
internal sealed record ProjectOutput(string ProjectPath, string? OutputPath) : IProjectMetadata;

public static class ProjectResourceBuilderExtensions
{
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder,
        string name
    )
        where TProject : IProjectMetadata, new() => builder.AddProject(name, new TProject().ProjectPath);

    /// <summary>Adds a project. Launch profiles of services are never read here, so none can be chosen.</summary>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder,
        string name,
        string? launchProfileName
    )
        where TProject : IProjectMetadata, new() => builder.AddProject<TProject>(name);

    public static IResourceBuilder<ProjectResource> AddProject(
        this IDistributedApplicationBuilder builder,
        string name,
        string projectPath
    )
    {
        var path = Path.GetFullPath(projectPath, builder.AppHostDirectory);
        return builder
            .AddResource(new ProjectResource(name))
            .WithAnnotation(new ProjectOutput(path, BuildMetadata.Of(builder.AppHostAssembly, $"ProjectOutput:{path}")))
            .WithOtlpExporter()
            .WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory")
            .WithEnvironment("DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION", "true")
            .WithEnvironment(SetAspNetCoreUrls);
    }

    public static IResourceBuilder<ProjectResource> WithReplicas(
        this IResourceBuilder<ProjectResource> builder,
        int replicas
    ) => builder.WithAnnotation(new ReplicaAnnotation(replicas), ResourceAnnotationMutationBehavior.Replace);

    private static void SetAspNetCoreUrls(EnvironmentCallbackContext context)
    {
        var endpoints = context
            .Resource.Annotations.OfType<EndpointAnnotation>()
            .Where(e => e.UriScheme is "http" or "https")
            .ToArray();
        if (endpoints.Length == 0)
            return;
        context.EnvironmentVariables["ASPNETCORE_URLS"] = string.Join(
            ';',
            endpoints.Select(e => $"{e.UriScheme}://{e.TargetHost}:{e.AllocatedEndpoint!.TargetPortExpression}")
        );
        if (endpoints.FirstOrDefault(e => e.UriScheme == "https") is { AllocatedEndpoint.Port: var port })
            context.EnvironmentVariables["ASPNETCORE_HTTPS_PORT"] = port.ToString(CultureInfo.InvariantCulture);
    }
}

public static class ExecutableResourceBuilderExtensions
{
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder,
        string name,
        string command,
        string workingDirectory,
        params string[]? args
    ) => builder.AddExecutable(name, command, workingDirectory, (object[]?)args);

    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder,
        string name,
        string command,
        string workingDirectory,
        params object[]? args
    ) =>
        builder
            .AddResource(
                new ExecutableResource(name, command, Path.GetFullPath(workingDirectory, builder.AppHostDirectory))
            )
            .WithArgs(args ?? []);
}

public static class ConnectionStringBuilderExtensions
{
    public static IResourceBuilder<ConnectionStringResource> AddConnectionString(
        this IDistributedApplicationBuilder builder,
        string name,
        ReferenceExpression connectionStringExpression
    )
    {
        var added = builder.AddResource(new ConnectionStringResource(name, connectionStringExpression));
        foreach (var source in ValueReferences.Resources(connectionStringExpression))
            added.WithReferenceRelationship(source);
        return added;
    }
}

public static class ParameterResourceBuilderExtensions
{
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        bool secret = false
    ) => builder.AddResource(new ParameterResource(name, _ => Configured(builder, "Parameters", name), secret));

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        string value,
        bool publishValueAsDefault = false,
        bool secret = false
    ) => builder.AddParameter(name, () => value, publishValueAsDefault, secret);

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        Func<string> valueGetter,
        bool publishValueAsDefault = false,
        bool secret = false
    // As in Aspire, a given value is not looked up in the configuration.
    ) => builder.AddResource(new ParameterResource(name, _ => valueGetter(), secret));

    /// <summary>Adds a connection string from the AppHost's configuration, <c>ConnectionStrings:{name}</c>.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddConnectionString(
        this IDistributedApplicationBuilder builder,
        string name,
        string? environmentVariableName = null
    )
    {
        var value = new ParameterResource(name, _ => Configured(builder, "ConnectionStrings", name), secret: true);
        return builder.AddResource(new ConfiguredConnectionString(name, value, environmentVariableName));
    }

    private static string Configured(IDistributedApplicationBuilder builder, string section, string name) =>
        builder.Configuration[$"{section}:{name}"]
        ?? throw new DistributedApplicationException(
            $"'{name}' has no value. Set {section}:{name} in the AppHost's configuration "
                + $"(--{section}:{name}=..., {section}__{name}, user secrets)."
        );

    private sealed class ConfiguredConnectionString(string name, ParameterResource value, string? variable)
        : Resource(name),
            IResourceWithConnectionString
    {
        public ReferenceExpression ConnectionStringExpression { get; } = ReferenceExpression.Create($"{value}");
        public string? ConnectionStringEnvironmentVariable { get; } = variable;
    }
}
