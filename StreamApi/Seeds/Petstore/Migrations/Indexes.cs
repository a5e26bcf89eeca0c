using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace StreamApi.Seeds.Petstore.Migrations;

/// <summary>Creates the indexes for a user's newest orders and for shipped ones by age.</summary>
[DbContext(typeof(PetstoreContext)), Migration("0002_indexes")]
internal sealed class Indexes : Microsoft.EntityFrameworkCore.Migrations.Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            create index if not exists orders_of_user_newest on petstore.orders (user_id, id) where user_id is not null;
            create index if not exists orders_shipped on petstore.orders (updated_at) where next_step_at is null;
            """
        );
        // Concurrently: while it waits, for a backup for example, no request waits for it.
        migrationBuilder.Sql("drop index concurrently if exists petstore.orders_of_user;", suppressTransaction: true);
    }

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            create index orders_of_user on petstore.orders (user_id) where user_id is not null;
            drop index petstore.orders_of_user_newest, petstore.orders_shipped;
            """
        );
}
