using Harness;

namespace Integration.Llm;

/// <summary>Runs the scripts of the vendors' JavaScript clients.</summary>
internal static class SdkScripts
{
    private static readonly NpmScripts Scripts = new("Llm/Sdk");

    public static string Address(RunningService replica) => replica.Url.ToString().TrimEnd('/');

    public static Task RunAsync(string script, params string[] arguments) => Scripts.RunAsync(script, arguments, "ok");
}
