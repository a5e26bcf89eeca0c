using Adopter.Databases;
using Npgsql;

namespace Adopter.Schema;

/// <summary>A database, and a role that may connect to it and nothing else.</summary>
internal sealed class Role : IAsyncDisposable
{
    private Role(string owner, string name)
    {
        Owner = owner;
        Name = name;
        Text = new NpgsqlConnectionStringBuilder(owner) { Username = name, Password = name }.ConnectionString;
    }

    /// <summary>The database's connection string as its owner.</summary>
    public string Owner { get; }

    public string Name { get; }

    /// <summary>The database's connection string as this role.</summary>
    public string Text { get; }

    public string Database => new NpgsqlConnectionStringBuilder(Owner).Database!;

    public static async Task<Role> CreateAsync()
    {
        var role = new Role(await DatabaseQuestions.CreateDatabaseAsync(), $"app_{Guid.NewGuid():N}");
        await role.DoAsync($"create role {role.Name} login password '{role.Name}'");
        return role;
    }

    /// <summary>Runs SQL as the owner, and returns its first value.</summary>
    public Task<string?> DoAsync(string sql) => DatabaseQuestions.AskAsync(Owner, sql);

    /// <summary>Roles belong to the server, which other tests use too.</summary>
    public async ValueTask DisposeAsync() => await DoAsync($"drop owned by {Name} cascade; drop role {Name}");
}
