using Npgsql;
using Stack;

namespace Integration.Delivery;

internal static class DirectSettings
{
    /// <summary>Settings of a service of the system that does not use its links.</summary>
    public static Dictionary<string, string> Of(StackFixture stack, DeliverySystem system) =>
        new()
        {
            ["ConnectionStrings__eventstore"] = new NpgsqlConnectionStringBuilder(stack.EventStore)
            {
                Database = new NpgsqlConnectionStringBuilder(system.Database.ConnectionString).Database,
            }.ConnectionString,
            ["ConnectionStrings__redis"] = stack.Redis,
        };
}
