// Part of the stand-in for Aspire.Hosting: turns a resource
// into an object that DCP runs. Not affiliated with Microsoft.
using System.Text.Json.Nodes;

namespace Aspire.Hosting.Orchestration;

internal sealed class SpecFactory(DistributedApplicationExecutionContext executionContext)
{
    public async Task<JsonObject> CreateAsync(Instance instance, CancellationToken cancellationToken)
    {
        var environment = await EnvironmentAsync(instance.Resource, cancellationToken);
        var args = await ArgumentsAsync(instance, cancellationToken);
        var spec = instance.Resource switch
        {
            ProjectResource project => ProcessOf(project, args),
            ExecutableResource program => ProcessOf(program.Command, program.WorkingDirectory, args),
            ContainerResource container => ContainerOf(container, args),
            _ => new JsonObject(),
        };
        spec["env"] = environment;
        return new JsonObject
        {
            ["kind"] = instance.Resource is ContainerResource ? "Container" : "Executable",
            ["metadata"] = new JsonObject
            {
                ["name"] = instance.Id,
                ["annotations"] = new JsonObject
                {
                    ["service-producer"] = EndpointAllocator.ServiceProducers(instance.Resource),
                    ["otel-service-name"] = instance.Resource.Name,
                    ["otel-service-instance-id"] = instance.Suffix,
                },
            },
            ["spec"] = spec,
        };
    }

    private static JsonObject ProcessOf(ProjectResource project, IReadOnlyList<string> args)
    {
        var output = project.Annotations.OfType<ProjectOutput>().Single();
        // Built with the AppHost, so it runs as it is; otherwise the SDK builds it now.
        string[] run = output.OutputPath is { } dll
            ? [dll]
            : ["run", "--no-launch-profile", "--project", output.ProjectPath, "--"];
        return ProcessOf(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            Path.GetDirectoryName(output.ProjectPath)!,
            [.. run, .. args]
        );
    }

    private static JsonObject ProcessOf(string command, string directory, IEnumerable<string> args) =>
        new()
        {
            ["executablePath"] = command,
            ["workingDirectory"] = directory,
            ["executionType"] = "Process",
            ["ambientEnvironment"] = new JsonObject { ["behavior"] = "Inherit" },
            ["args"] = Strings(args),
        };

    private static JsonObject ContainerOf(ContainerResource container, IReadOnlyList<string> args)
    {
        var image = container.Annotations.OfType<ContainerImageAnnotation>().Last();
        var ports = container
            .Annotations.OfType<EndpointAnnotation>()
            .Select(e => new JsonObject { ["containerPort"] = e.TargetPort });
        var mounts = container
            .Annotations.OfType<ContainerMountAnnotation>()
            .Select(m => new JsonObject
            {
                ["type"] = m.Type == ContainerMountType.Volume ? "volume" : "bind",
                ["source"] = m.Source,
                ["target"] = m.Target,
                ["readOnly"] = m.IsReadOnly,
            });
        var spec = new JsonObject
        {
            ["image"] = $"{image.Registry ?? "docker.io"}/{image.Image}:{image.Tag ?? "latest"}",
            ["args"] = Strings(args),
            ["ports"] = new JsonArray([.. ports]),
            ["volumeMounts"] = new JsonArray([.. mounts]),
        };
        if (container.Entrypoint is { } entrypoint)
            spec["command"] = entrypoint;
        return spec;
    }

    private async Task<JsonArray> EnvironmentAsync(IResource resource, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(executionContext, resource, cancellationToken: cancellationToken);
        foreach (var callback in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await callback.Callback(context);
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            if (endpoint.PortVariable is { } variable)
                context.EnvironmentVariables[variable] = endpoint.AllocatedEndpoint!.TargetPortExpression!;
        var variables = new JsonArray();
        foreach (var (name, value) in context.EnvironmentVariables)
            variables.Add(new JsonObject { ["name"] = name, ["value"] = await TextAsync(value, cancellationToken) });
        return variables;
    }

    private static async Task<IReadOnlyList<string>> ArgumentsAsync(
        Instance instance,
        CancellationToken cancellationToken
    )
    {
        var context = new CommandLineArgsCallbackContext([], instance.Resource, cancellationToken);
        foreach (var callback in instance.Resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
            await callback.Callback(context);
        instance.HasSecretArguments = context.Args.Any(ValueReferences.HoldsSecret);
        var args = new List<string>();
        foreach (var arg in context.Args)
            args.Add(await TextAsync(arg, cancellationToken));
        return args;
    }

    private static async ValueTask<string> TextAsync(object value, CancellationToken cancellationToken) =>
        value switch
        {
            string text => text,
            IValueProvider provider => await provider.GetValueAsync(cancellationToken) ?? "",
            IResourceBuilder<IResource> { Resource: IValueProvider provider } => await provider.GetValueAsync(
                cancellationToken
            ) ?? "",
            _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "",
        };

    private static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(v => JsonValue.Create(v))]);
}
