// Stands in for the parts of Aspire.Hosting.Redis and Aspire.Hosting.PostgreSQL that AppHost
// uses. Not affiliated with Microsoft. Run with podman 4.3 and images made by eng/base-image.
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Extensions.Configuration.UserSecrets;

namespace Aspire.Hosting.ApplicationModel
{
    public class RedisResource(string name, ParameterResource password)
        : ContainerResource(name),
            IResourceWithConnectionString
    {
        public EndpointReference PrimaryEndpoint => new(this, "tcp");
        public ParameterResource? PasswordParameter { get; } = password;
        public ReferenceExpression ConnectionStringExpression =>
            ReferenceExpression.Create(
                $"{PrimaryEndpoint.Property(EndpointProperty.HostAndPort)},password={PasswordParameter!}"
            );
    }

    public class PostgresServerResource(string name, ParameterResource? userName, ParameterResource password)
        : ContainerResource(name),
            IResourceWithConnectionString
    {
        public EndpointReference PrimaryEndpoint => new(this, "tcp");
        public ParameterResource? UserNameParameter { get; set; } = userName;
        public ParameterResource PasswordParameter { get; set; } = password;
        public ReferenceExpression UserNameReference =>
            UserNameParameter is { } user
                ? ReferenceExpression.Create($"{user}")
                : ReferenceExpression.Create($"postgres");
        public ReferenceExpression ConnectionStringExpression =>
            ReferenceExpression.Create(
                $"Host={PrimaryEndpoint.Property(EndpointProperty.Host)};"
                    + $"Port={PrimaryEndpoint.Property(EndpointProperty.Port)};"
                    + $"Username={UserNameReference};Password={PasswordParameter}"
            );
    }

    public class PostgresDatabaseResource(
        string name,
        string databaseName,
        PostgresServerResource postgresParentResource
    ) : Resource(name), IResourceWithParent<PostgresServerResource>, IResourceWithConnectionString
    {
        public PostgresServerResource Parent { get; } = postgresParentResource;
        public string DatabaseName { get; } = databaseName;
        public ReferenceExpression ConnectionStringExpression =>
            ReferenceExpression.Create($"{Parent.ConnectionStringExpression};Database={DatabaseName}");
    }
}

namespace Aspire.Hosting
{
    public static class ContainerResourceBuilderExtensions
    {
        public static IResourceBuilder<T> WithImageTag<T>(this IResourceBuilder<T> builder, string tag)
            where T : ContainerResource
        {
            builder.Resource.Annotations.OfType<ContainerImageAnnotation>().Last().Tag = tag;
            return builder;
        }
    }

    public static class RedisBuilderExtensions
    {
        public static IResourceBuilder<RedisResource> AddRedis(
            this IDistributedApplicationBuilder builder,
            string name,
            int? port = null,
            IResourceBuilder<ParameterResource>? password = null
        )
        {
            var secret = password?.Resource ?? GeneratedPassword.For(builder, name);
            var redis = builder
                .AddResource(new RedisResource(name, secret))
                .WithEndpoint(port: port, targetPort: 6379, name: "tcp")
                .WithAnnotation(
                    new ContainerImageAnnotation
                    {
                        Registry = "docker.io",
                        Image = "library/redis",
                        Tag = "8.6",
                    }
                )
                .WithArgs(context =>
                {
                    context.Args.Add("redis-server");
                    context.Args.Add("--requirepass");
                    context.Args.Add(secret);
                });
            return ServerHealthCheck.Add(redis);
        }

        public static IResourceBuilder<RedisResource> WithDataVolume(
            this IResourceBuilder<RedisResource> builder,
            string? name = null,
            bool isReadOnly = false
        ) =>
            builder.WithAnnotation(
                new ContainerMountAnnotation(
                    name ?? VolumeName.Of(builder),
                    "/data",
                    ContainerMountType.Volume,
                    isReadOnly
                )
            );
    }

    public static class PostgresBuilderExtensions
    {
        public static IResourceBuilder<PostgresServerResource> AddPostgres(
            this IDistributedApplicationBuilder builder,
            string name,
            IResourceBuilder<ParameterResource>? userName = null,
            IResourceBuilder<ParameterResource>? password = null,
            int? port = null
        )
        {
            var server = new PostgresServerResource(
                name,
                userName?.Resource,
                password?.Resource ?? GeneratedPassword.For(builder, name)
            );
            var postgres = builder
                .AddResource(server)
                .WithEndpoint(port: port, targetPort: 5432, name: "tcp")
                .WithAnnotation(
                    new ContainerImageAnnotation
                    {
                        Registry = "docker.io",
                        Image = "library/postgres",
                        Tag = "17.6",
                    }
                )
                .WithEnvironment("POSTGRES_USER", server.UserNameReference)
                .WithEnvironment(context =>
                    context.EnvironmentVariables["POSTGRES_PASSWORD"] = server.PasswordParameter
                );
            return ServerHealthCheck.Add(postgres);
        }

        public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(
            this IResourceBuilder<PostgresServerResource> builder,
            string name,
            string? databaseName = null
        )
        {
            // The image creates one database at its first start, so one server has one database here.
            builder.WithEnvironment("POSTGRES_DB", databaseName ?? name);
            var database = builder.ApplicationBuilder.AddResource(
                new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource)
            );
            return database
                .WithParentRelationship(builder.Resource)
                .WithAnnotation(new WaitAnnotation(builder.Resource, WaitType.WaitUntilHealthy));
        }

        public static IResourceBuilder<PostgresServerResource> WithDataVolume(
            this IResourceBuilder<PostgresServerResource> builder,
            string? name = null,
            bool isReadOnly = false
        ) =>
            builder.WithAnnotation(
                new ContainerMountAnnotation(
                    name ?? VolumeName.Of(builder),
                    "/var/lib/postgresql/data",
                    ContainerMountType.Volume,
                    isReadOnly
                )
            );
    }

    /// <summary>A password that is kept in the user secrets, as Aspire
    /// does, so that it lives as long as the data volume.</summary>
    internal static class GeneratedPassword
    {
        public static ParameterResource For(IDistributedApplicationBuilder builder, string resource) =>
            builder
                .AddParameter(
                    $"{resource}-password",
                    () =>
                    {
                        var key = $"Parameters:{resource}-password";
                        if (builder.Configuration[key] is { } configured)
                            return configured;
                        var value = RandomNumberGenerator.GetString(
                            "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789",
                            22
                        );
                        if (builder.AppHostAssembly?.GetCustomAttribute<UserSecretsIdAttribute>() is { } secrets)
                        {
                            // Outside Development the configuration lacks the user
                            // secrets, where the volume's password is stored.
                            var file = PathHelper.GetSecretsPathFromSecretsId(secrets.UserSecretsId);
                            return UserSecretsFile.GetOrAdd(file, key, value);
                        }
                        return value;
                    },
                    secret: true
                )
                .Resource;
    }
}
