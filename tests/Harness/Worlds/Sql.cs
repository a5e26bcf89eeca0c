using Npgsql;

namespace Harness.Worlds;

/// <summary>A test's own statements.</summary>
internal static class Sql
{
    /// <summary>Returns the number of rows that the statement has changed.</summary>
    public static async Task<int> ExecuteAsync(this NpgsqlDataSource store, string sql)
    {
        await using var command = store.CreateCommand(sql);
        return await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Returns the first value; the default without a row, and for null.</summary>
    public static async Task<T?> AskAsync<T>(this NpgsqlDataSource store, string sql)
    {
        await using var command = store.CreateCommand(sql);
        var value = await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        return value is null or DBNull ? default : (T)value;
    }
}
