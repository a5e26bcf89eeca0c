using Npgsql;

namespace Integration.Delivery;

internal static class DirectSettings
{
    /// <summary>Settings of a service of the system that does not use its links.</summary>
    public static Dictionary<string, string> Of(World system) =>
        new()
        {
            ["ConnectionStrings__eventstore"] = new NpgsqlConnectionStringBuilder(Stores.Shared.EventStore)
            {
                Database = new NpgsqlConnectionStringBuilder(system.Database.ConnectionString).Database,
            }.ConnectionString,
            ["ConnectionStrings__redis"] = Stores.Shared.Redis,
        };
}
