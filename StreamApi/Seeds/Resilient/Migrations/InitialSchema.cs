using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace StreamApi.Seeds.Resilient.Migrations;

[DbContext(typeof(ResilientContext)), Migration("0001_initial_schema")]
internal sealed class InitialSchema : Microsoft.EntityFrameworkCore.Migrations.Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            create table resilient.sessions (
                id text collate "C" primary key,
                next_id bigint not null default 1,
                retry_count int not null default 0,
                failures_left int not null default 0,
                seen_at timestamptz not null,
                next_at timestamptz,
                failed boolean not null default false
            );
            create index sessions_due on resilient.sessions (next_at) where next_at is not null;
            """
        );

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("drop table resilient.sessions;");
}
