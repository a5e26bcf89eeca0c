using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Runtime;

namespace Adopter.Footprint;

/// <summary>State that a process has once: of its runtime, and of its environment.</summary>
internal static class ProcessState
{
    public static SortedDictionary<string, string> Read()
    {
        ThreadPool.GetMinThreads(out var workers, out var completions);
        ThreadPool.GetMaxThreads(out var mostWorkers, out var mostCompletions);
        var state = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["GC latency"] = $"{GCSettings.LatencyMode}",
            ["GC compaction"] = $"{GCSettings.LargeObjectHeapCompactionMode}",
            ["least threads"] = $"{workers} {completions}",
            ["most threads"] = $"{mostWorkers} {mostCompletions}",
            ["exit code"] = $"{Environment.ExitCode}",
            ["folder"] = Environment.CurrentDirectory,
            ["culture"] = $"{CultureInfo.DefaultThreadCurrentCulture} {CultureInfo.DefaultThreadCurrentUICulture}",
            ["ids of activities"] = $"{Activity.DefaultIdFormat} {Activity.ForceDefaultIdFormat}",
            ["console"] = $"{Console.Out.GetHashCode()} {Console.Error.GetHashCode()} {Console.In.GetHashCode()}",
            ["listeners"] = $"{Trace.Listeners.Count}",
#pragma warning disable SYSLIB0014 // what others set
            ["connections"] = $"{ServicePointManager.DefaultConnectionLimit} {ServicePointManager.SecurityProtocol}",
#pragma warning restore SYSLIB0014
        };

        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            state[$"variable {variable.Key}"] = $"{variable.Value}";
        foreach (var (name, isOn) in Switches())
            state[$"switch {name}"] = $"{isOn}";

        return state;
    }

    /// <summary>The switches that code has set; those of the program's configuration are read, not set.</summary>
    private static Dictionary<string, bool> Switches()
    {
        var field = typeof(AppContext).GetField("s_switches", BindingFlags.Static | BindingFlags.NonPublic);
        Assert.NotNull(field);
        return field.GetValue(null) is Dictionary<string, bool> set ? new(set) : [];
    }
}
