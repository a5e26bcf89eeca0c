// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Contracts
{
    /// <summary>The number of copies of a scenario that run, or the rate at which copies start.</summary>
    public abstract record LoadSimulation
    {
        private protected LoadSimulation(TimeSpan during)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(during, TimeSpan.Zero);
            During = during;
        }

        internal TimeSpan During { get; }

        internal sealed record KeepConstant(int Copies, TimeSpan Duration) : LoadSimulation(Duration);

        /// <param name="Ramps">True when the rate changes linearly from that of the simulation before.</param>
        internal sealed record Inject(int Rate, TimeSpan Interval, TimeSpan Duration, bool Ramps)
            : LoadSimulation(Duration);

        internal sealed record Pause(TimeSpan Duration) : LoadSimulation(Duration);
    }
}

namespace NBomber.CSharp
{
    public static class Simulation
    {
        /// <summary>Closed model: runs a fixed number of copies, each of which iterates.</summary>
        public static LoadSimulation KeepConstant(int copies, TimeSpan during) =>
            new LoadSimulation.KeepConstant(copies, during);

        /// <summary>Open model: changes the number injected at each interval
        /// linearly from the previous one to <paramref name="rate"/>.</summary>
        public static LoadSimulation RampingInject(int rate, TimeSpan interval, TimeSpan during) =>
            new LoadSimulation.Inject(rate, interval, during, Ramps: true);

        /// <summary>Open model: starts <paramref name="rate"/> copies at each interval, however
        /// long earlier ones take; each runs once. Latency counts from the time they were due,
        /// so a slow generator or server cannot hide it (coordinated omission).</summary>
        public static LoadSimulation Inject(int rate, TimeSpan interval, TimeSpan during) =>
            new LoadSimulation.Inject(rate, interval, during, Ramps: false);

        public static LoadSimulation Pause(TimeSpan during) => new LoadSimulation.Pause(during);
    }
}
