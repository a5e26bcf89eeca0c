using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace StreamApi.Seeds.Tasks.Migrations;

/// <summary>Creates an index for each order of the list, so that a page costs what it returns.</summary>
[DbContext(typeof(TasksContext)), Migration("0002_indexes")]
internal sealed class Indexes : Microsoft.EntityFrameworkCore.Migrations.Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            create index if not exists tasks_by_age on tasks.tasks (created_at, id);
            create index if not exists tasks_by_change on tasks.tasks (status, updated_at, id);
            """
        );
        // Concurrently: while it waits, for a backup for example, no request waits for it.
        migrationBuilder.Sql("drop index concurrently if exists tasks.tasks_created;", suppressTransaction: true);
    }

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            create index tasks_created on tasks.tasks (created_at);
            drop index tasks.tasks_by_age, tasks.tasks_by_change;
            """
        );
}
