using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace Streaming.Tickets;

internal static class TicketPolicies
{
    /// <summary>Adds an evaluator of policies that knows the tickets of streams. It wraps the application's evaluator,
    /// or else the framework's.</summary>
    public static void AddTicketPolicies(this IServiceCollection services)
    {
        var own = services.LastOrDefault(service =>
            service.ServiceType == typeof(IPolicyEvaluator) && !service.IsKeyedService
        );

        // By a factory, as an application without authorization could not build it.
        services.Add(
            new ServiceDescriptor(
                typeof(IPolicyEvaluator),
                provider =>
                    ActivatorUtilities.CreateInstance<TicketPolicyEvaluator>(provider, EvaluatorOf(own, provider)),
                own?.Lifetime ?? ServiceLifetime.Transient
            )
        );
    }

    private static IPolicyEvaluator EvaluatorOf(ServiceDescriptor? own, IServiceProvider provider) =>
        own switch
        {
            null => new PolicyEvaluator(provider.GetRequiredService<IAuthorizationService>()),
            { ImplementationInstance: IPolicyEvaluator instance } => instance,
            { ImplementationFactory: { } make } => (IPolicyEvaluator)make(provider),
            _ => (IPolicyEvaluator)ActivatorUtilities.CreateInstance(provider, own.ImplementationType!),
        };
}
