using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.Hosting;

/// <summary>The end of a service's program.</summary>
public static class ServiceExit
{
    /// <summary>Builds and runs the service until it stops, and returns the program's exit code: 1 if a background
    /// service has failed, which stops the host, so that whoever runs the program starts it again, or the service did
    /// not start.</summary>
    public static int RunToExitCode(Func<WebApplication> build)
    {
        try
        {
            var app = build();
            var services = app.Services.GetServices<IHostedService>().OfType<BackgroundService>().ToList();
            app.Run();

            return services.Any(service => service.ExecuteTask is { IsFaulted: true }) ? 1 : Environment.ExitCode;
        }
        catch (Exception e) when (e is InvalidOperationException or OptionsValidationException or FormatException)
        {
            // A mistake in the settings: a trace helps nobody who corrects one, and the last line says what to do.
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
