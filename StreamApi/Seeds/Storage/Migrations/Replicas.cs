using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace StreamApi.Seeds.Storage.Migrations;

/// <summary>Creates the table of the replicas that run now, in a schema of its own, unlogged, since it is worthless
/// after a crash. Where the event log had it, it is taken over; replicas of the version before use it through a view,
/// which the next version removes.</summary>
[DbContext(typeof(SeedsContext)), Migration("0002_replicas")]
internal sealed class Replicas : Microsoft.EntityFrameworkCore.Migrations.Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            create schema if not exists streamapi;
            do $body$
            declare
                old regclass := to_regclass('eventstore.replicas');
                role record;
            begin
                if old is null then
                    create unlogged table streamapi.replicas (
                        name text primary key,
                        state jsonb not null,
                        seen_at timestamptz not null
                    );
                    return;
                end if;

                execute format('alter table %s set schema streamapi', old);
                execute 'create view eventstore.replicas as select * from streamapi.replicas';
                for role in
                    select distinct grantee::regrole as name
                    from pg_class, aclexplode(relacl)
                    where oid = old and grantee not in (0, relowner)
                loop
                    execute format(
                        'grant select, insert, update, delete on eventstore.replicas to %s', role.name);
                    execute format('grant usage on schema streamapi to %s', role.name);
                end loop;
            end $body$;
            """
        );

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("drop schema streamapi cascade;");
}
