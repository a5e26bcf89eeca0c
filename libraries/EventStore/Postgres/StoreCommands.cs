using Npgsql;

namespace EventStore;

internal static class StoreCommands
{
    /// <summary>Adds the next positional parameter; its Postgres type follows from <typeparamref name="T"/>.</summary>
    public static NpgsqlCommand With<T>(this NpgsqlCommand command, T value)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }
}
