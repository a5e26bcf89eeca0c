using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace StreamApi.Seeds.Resilient.Migrations;

/// <summary>Creates the index for stopped sessions by age.</summary>
[DbContext(typeof(ResilientContext)), Migration("0002_indexes")]
internal sealed class Indexes : Microsoft.EntityFrameworkCore.Migrations.Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("create index sessions_stopped on resilient.sessions (seen_at) where next_at is null;");

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("drop index resilient.sessions_stopped;");
}
