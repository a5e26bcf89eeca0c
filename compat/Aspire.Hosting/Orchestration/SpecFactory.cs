// Part of the stand-in for Aspire.Hosting: turns a resource
// into an object that DCP runs. Not affiliated with Microsoft.
using System.Text.Json.Nodes;

namespace Aspire.Hosting.Orchestration;

internal sealed class SpecFactory(DistributedApplicationExecutionContext executionContext)
{
    public async Task<JsonObject> CreateAsync(Instance instance, CancellationToken cancellationToken)
    {
        var spec = new JsonObject { ["env"] = await EnvironmentAsync(instance.Resource, cancellationToken) };
        var args = await ArgumentsAsync(instance, cancellationToken);
        switch (instance.Resource)
        {
            case ProjectResource project:
                var output = project.Annotations.OfType<ProjectOutput>().Single();
                // Built with the AppHost, so it runs as it is; otherwise the SDK builds it now.
                string[] run = output.OutputPath is { } dll
                    ? [dll]
                    : ["run", "--no-launch-profile", "--project", output.ProjectPath, "--"];
                AsProcess(
                    Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                    Path.GetDirectoryName(output.ProjectPath)!,
                    [.. run, .. args]
                );
                break;
            case ExecutableResource executable:
                AsProcess(executable.Command, executable.WorkingDirectory, args);
                break;
            case ContainerResource container:
                AsContainer(container, args);
                break;
        }
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

        void AsProcess(string command, string directory, IEnumerable<string> arguments)
        {
            spec["executablePath"] = command;
            spec["workingDirectory"] = directory;
            spec["executionType"] = "Process";
            spec["ambientEnvironment"] = new JsonObject { ["behavior"] = "Inherit" };
            spec["args"] = Strings(arguments);
        }

        void AsContainer(ContainerResource container, IReadOnlyList<string> arguments)
        {
            var image = container.Annotations.OfType<ContainerImageAnnotation>().Last();
            spec["image"] = $"{image.Registry ?? "docker.io"}/{image.Image}:{image.Tag ?? "latest"}";
            if (container.Entrypoint is { } entrypoint)
                spec["command"] = entrypoint;
            spec["args"] = Strings(arguments);
            spec["ports"] = new JsonArray([
                .. container
                    .Annotations.OfType<EndpointAnnotation>()
                    .Select(e => new JsonObject { ["containerPort"] = e.TargetPort }),
            ]);
            spec["volumeMounts"] = new JsonArray([
                .. container
                    .Annotations.OfType<ContainerMountAnnotation>()
                    .Select(m => new JsonObject
                    {
                        ["type"] = m.Type == ContainerMountType.Volume ? "volume" : "bind",
                        ["source"] = m.Source,
                        ["target"] = m.Target,
                        ["readOnly"] = m.IsReadOnly,
                    }),
            ]);
        }
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
