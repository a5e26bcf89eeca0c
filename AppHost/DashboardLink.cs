namespace AppHost;

/// <summary>Passes the dashboard's address to pages that link to
/// a trace; on free ports only its endpoint knows it.</summary>
internal static class DashboardLink
{
    /// <summary>Sets <c>Dashboard__Url</c> to the setting <c>Dashboard:Url</c>,
    /// otherwise to the dashboard's address if there is one.</summary>
    public static IResourceBuilder<T> WithDashboardUrl<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context =>
        {
            var application = builder.ApplicationBuilder;
            if (application.Configuration["Dashboard:Url"] is { Length: > 0 } given)
                context.EnvironmentVariables["Dashboard__Url"] = given;
            else if (
                application.Resources.FirstOrDefault(r => r.Name == "aspire-dashboard")
                    is IResourceWithEndpoints dashboard
                && dashboard.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => e.Name is "https" or "http")
                    is { } endpoint
            )
                context.EnvironmentVariables["Dashboard__Url"] = new EndpointReference(dashboard, endpoint.Name);
        });
}
