using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace StreamApi.Seeds.Tasks.Migrations;

[DbContext(typeof(TasksContext)), Migration("0001_initial_schema")]
internal sealed class InitialSchema : Microsoft.EntityFrameworkCore.Migrations.Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            create table tasks.tasks (
                id uuid primary key,
                title text not null,
                status text not null,
                created_at timestamptz not null,
                updated_at timestamptz not null
            );
            create index tasks_created on tasks.tasks (created_at);
            """
        );

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("drop table tasks.tasks;");
}
