using Adopter.Gateway;

#pragma warning disable CA1050 // The runtime looks for this name, in no namespace (DOTNET_STARTUP_HOOKS).

/// <summary>Makes another process of this program the application of <see cref="RunFormatApp"/>, before its
/// Main.</summary>
internal static class StartupHook
{
    public static void Initialize() => RunFormatApp.Run();
}
