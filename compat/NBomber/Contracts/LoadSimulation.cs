// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Contracts
{
    /// <summary>How many copies of a scenario run, or how often one is started.</summary>
    public abstract record LoadSimulation
    {
        private protected LoadSimulation(TimeSpan during)
        {
            if (during <= TimeSpan.Zero)
                throw new ArgumentException($"A simulation takes time; during is {during}.");
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
        /// <summary>Closed model: the number of copies grows or falls linearly from what it was to <paramref
        /// name="copies"/>.</summary>
        public static LoadSimulation RampingConstant(int copies, TimeSpan during) =>
            new LoadSimulation.RampingConstant(NotNegative(copies), during);

        /// <summary>Closed model: so many copies, each iterating one time after the other.</summary>
        public static LoadSimulation KeepConstant(int copies, TimeSpan during) =>
            new LoadSimulation.KeepConstant(NotNegative(copies), during);

        /// <summary>Open model: the number injected at each interval grows or falls linearly from what it was to
        /// <paramref name="rate"/>.</summary>
        public static LoadSimulation RampingInject(int rate, TimeSpan interval, TimeSpan during) =>
            new LoadSimulation.RampingInject(NotNegative(rate), Above0(interval), during);

        /// <summary>
        /// Open model: <paramref name="rate"/> copies start at each interval, however long those before them take; each
        /// runs once. Their latency
        /// counts from the time they were due, so a generator or server that falls behind cannot hide it (coordinated
        /// omission).
        /// </summary>
        public static LoadSimulation Inject(int rate, TimeSpan interval, TimeSpan during) =>
            new LoadSimulation.Inject(NotNegative(rate), Above0(interval), during);

        public static LoadSimulation Pause(TimeSpan during) => new LoadSimulation.Pause(during);

        private static int NotNegative(int value) =>
            value >= 0 ? value : throw new ArgumentException($"A number of copies is not negative; it is {value}.");

        private static TimeSpan Above0(TimeSpan interval) =>
            interval > TimeSpan.Zero
                ? interval
                : throw new ArgumentException($"An interval is above zero; it is {interval}.");
    }
}
