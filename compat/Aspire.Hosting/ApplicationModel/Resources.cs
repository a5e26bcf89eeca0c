// Stands in for Aspire.Hosting's resources (Aspire.Hosting.ApplicationModel). Not affiliated with Microsoft or the .NET
// Foundation.
using System.Collections.ObjectModel;

namespace Aspire.Hosting.ApplicationModel
{
    public interface IResource
    {
        string Name { get; }
        ResourceAnnotationCollection Annotations { get; }
    }

    public interface IResourceAnnotation;

    public sealed class ResourceAnnotationCollection : Collection<IResourceAnnotation>;

    public interface IResourceWithEnvironment : IResource;

    public interface IResourceWithArgs : IResource;

    public interface IResourceWithEndpoints : IResource;

    public interface IResourceWithWaitSupport : IResource;

    public interface IResourceWithParent : IResource
    {
        IResource Parent { get; }
    }

    public interface IResourceWithParent<out T> : IResourceWithParent
        where T : IResource
    {
        new T Parent { get; }
        IResource IResourceWithParent.Parent => Parent;
    }

    public interface IResourceWithConnectionString : IResource, IExpressionValue, IValueWithReferences
    {
        ReferenceExpression ConnectionStringExpression { get; }
        string? ConnectionStringEnvironmentVariable => null;
        ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
            ConnectionStringExpression.GetValueAsync(cancellationToken);
        ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) =>
            GetConnectionStringAsync(cancellationToken);
        string IManifestExpressionProvider.ValueExpression => $"{{{Name}.connectionString}}";
        IEnumerable<object> IValueWithReferences.References => [ConnectionStringExpression];
    }

    public abstract class Resource(string name) : IResource
    {
        public virtual string Name { get; } = name;
        public virtual ResourceAnnotationCollection Annotations { get; } = [];
    }

    public class ProjectResource(string name)
        : Resource(name),
            IResourceWithEnvironment,
            IResourceWithArgs,
            IResourceWithServiceDiscovery,
            IResourceWithWaitSupport;

    public class ExecutableResource(string name, string command, string workingDirectory)
        : Resource(name),
            IResourceWithEnvironment,
            IResourceWithArgs,
            IResourceWithEndpoints,
            IResourceWithWaitSupport
    {
        public string Command { get; } = command;
        public string WorkingDirectory { get; } = workingDirectory;
    }

    public class ContainerResource(string name, string? entrypoint = null)
        : Resource(name),
            IResourceWithEnvironment,
            IResourceWithArgs,
            IResourceWithEndpoints,
            IResourceWithWaitSupport
    {
        public string? Entrypoint { get; set; } = entrypoint;
    }

    public class ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false)
        : Resource(name),
            IExpressionValue
    {
        private readonly Lazy<string> _value = new(() => callback(null));
        public bool Secret { get; } = secret;
        public string ValueExpression => $"{{{Name}.value}}";

        public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => new(_value.Value);
    }

    public abstract class ParameterDefault
    {
        public abstract string GetDefaultValue();
    }

    public sealed class DistributedApplicationModel(IResourceCollection resources)
    {
        public IResourceCollection Resources { get; } = resources;
    }

    public interface IResourceCollection : IList<IResource>;

    internal sealed class ResourceCollection : Collection<IResource>, IResourceCollection;

    public enum ResourceAnnotationMutationBehavior
    {
        Append,
        Replace,
    }

    public interface IResourceBuilder<out T>
        where T : IResource
    {
        IDistributedApplicationBuilder ApplicationBuilder { get; }
        T Resource { get; }
        IResourceBuilder<T> WithAnnotation<TAnnotation>(
            TAnnotation annotation,
            ResourceAnnotationMutationBehavior behavior = ResourceAnnotationMutationBehavior.Append
        )
            where TAnnotation : IResourceAnnotation;
    }

    internal sealed class ResourceBuilder<T>(IDistributedApplicationBuilder builder, T resource) : IResourceBuilder<T>
        where T : IResource
    {
        public IDistributedApplicationBuilder ApplicationBuilder { get; } = builder;
        public T Resource { get; } = resource;

        public IResourceBuilder<T> WithAnnotation<TAnnotation>(
            TAnnotation annotation,
            ResourceAnnotationMutationBehavior behavior
        )
            where TAnnotation : IResourceAnnotation
        {
            if (behavior == ResourceAnnotationMutationBehavior.Replace)
                foreach (var old in Resource.Annotations.OfType<TAnnotation>().ToArray())
                    Resource.Annotations.Remove(old);
            Resource.Annotations.Add(annotation);
            return this;
        }
    }
}

namespace Aspire.Hosting
{
    public interface IResourceWithServiceDiscovery : IResourceWithEndpoints;

    public sealed class ConnectionStringResource(string name, ReferenceExpression connectionStringExpression)
        : Resource(name),
            IResourceWithConnectionString,
            IResourceWithWaitSupport
    {
        public ReferenceExpression ConnectionStringExpression { get; } = connectionStringExpression;
    }

    /// <summary>Implemented by the <c>Projects.*</c> classes that AppHost.targets generates.</summary>
    public interface IProjectMetadata : IResourceAnnotation
    {
        string ProjectPath { get; }
    }
}
