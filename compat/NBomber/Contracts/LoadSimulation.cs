// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Contracts
{
    /// <summary>The number of copies of a scenario that run, or the rate at which copies start.</summary>
    public abstract record LoadSimulation
    {
        private protected LoadSimulation(TimeSpan during)
        {
            if (during <= TimeSpan.Zero)
                throw new ArgumentException($"A simulation's duration must be above zero; it is {during}.");
            During = during;
        }

        internal TimeSpan During { get; init; }

        internal sealed record RampingConstant(int Copies, TimeSpan Duration) : LoadSimulation(Duration);

        internal sealed record KeepConstant(int Copies, TimeSpan Duration) : LoadSimulation(Duration);

        internal sealed record RampingInject(int Rate, TimeSpan Interval, TimeSpan Duration) : LoadSimulation(Duration);

        internal sealed record Inject(int Rate, TimeSpan Interval, TimeSpan Duration) : LoadSimulation(Duration);

        internal sealed record Pause(TimeSpan Duration) : LoadSimulation(Duration);
    }
}

namespace NBomber.CSharp
{
    public static class Simulation
    {
        /// <summary>Closed model: changes the number of copies linearly
        /// from the previous one to <paramref name="copies"/>.</summary>
        public static LoadSimulation RampingConstant(int copies, TimeSpan during) =>
            new LoadSimulation.RampingConstant(NotNegative(copies), during);

        /// <summary>Closed model: runs a fixed number of copies, each of which iterates.</summary>
        public static LoadSimulation KeepConstant(int copies, TimeSpan during) =>
            new LoadSimulation.KeepConstant(NotNegative(copies), during);

        /// <summary>Open model: changes the number injected at each interval
        /// linearly from the previous one to <paramref name="rate"/>.</summary>
        public static LoadSimulation RampingInject(int rate, TimeSpan interval, TimeSpan during) =>
            new LoadSimulation.RampingInject(NotNegative(rate), Above0(interval), during);

        /// <summary>Open model: starts <paramref name="rate"/> copies at each interval, however
        /// long earlier ones take; each runs once. Latency counts from the time they were due,
        /// so a slow generator or server cannot hide it (coordinated omission).</summary>
        public static LoadSimulation Inject(int rate, TimeSpan interval, TimeSpan during) =>
            new LoadSimulation.Inject(NotNegative(rate), Above0(interval), during);

        public static LoadSimulation Pause(TimeSpan during) => new LoadSimulation.Pause(during);

        private static int NotNegative(int value) =>
            value >= 0
                ? value
                : throw new ArgumentException($"A number of copies must not be negative; it is {value}.");

        private static TimeSpan Above0(TimeSpan interval) =>
            interval > TimeSpan.Zero
                ? interval
                : throw new ArgumentException($"An interval must be above zero; it is {interval}.");
    }
}
