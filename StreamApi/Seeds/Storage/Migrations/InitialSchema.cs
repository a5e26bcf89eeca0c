using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace StreamApi.Seeds.Storage.Migrations;

/// <summary>Creates the tables, an index for each of their reads, and the shop's pets.</summary>
[DbContext(typeof(SeedsContext)), Migration("0001_initial_schema")]
internal sealed class InitialSchema : Microsoft.EntityFrameworkCore.Migrations.Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql(
            """
            create table seeds.tasks (
                id uuid primary key,
                title text not null,
                status text not null,
                created_at timestamptz not null,
                updated_at timestamptz not null
            );
            create index tasks_by_age on seeds.tasks (created_at, id);
            create index tasks_by_change on seeds.tasks (status, updated_at, id);

            create table seeds.sessions (
                id text collate "C" primary key,
                next_id bigint not null default 1,
                retry_count int not null default 0,
                failures_left int not null default 0,
                seen_at timestamptz not null,
                -- When the source is read next; null while it is stopped.
                next_at timestamptz,
                failed boolean not null default false
            );
            create index sessions_due on seeds.sessions (next_at) where next_at is not null;
            create index sessions_stopped on seeds.sessions (seen_at) where next_at is null;

            create table seeds.pets (
                id text primary key,
                name text not null,
                species text not null,
                breed text not null,
                price numeric(10, 2) not null check (price > 0),
                stock int not null check (stock >= 0)
            );
            create table seeds.orders (
                id uuid primary key,
                pet_id text not null references seeds.pets,
                user_id text,
                quantity int not null check (quantity > 0),
                unit_price numeric(10, 2) not null,
                status text not null,
                tracking_number text,
                created_at timestamptz not null,
                updated_at timestamptz not null,
                -- When the workflow takes the next step; null once the order is shipped.
                next_step_at timestamptz,
                trace_parent text
            );
            create index orders_due on seeds.orders (next_step_at) where next_step_at is not null;
            create index orders_shipped on seeds.orders (updated_at) where next_step_at is null;
            create index orders_of_user on seeds.orders (user_id, id) where user_id is not null;
            create index orders_of_pet on seeds.orders (pet_id);

            insert into seeds.pets values
                ('019b4132', 'Fluffy', 'cat', 'Persian', 299.99, 100),
                ('019b4127', 'Buddy', 'dog', 'Labrador', 399.00, 100),
                ('019b4141', 'Mochi', 'cat', 'Scottish Fold', 349.50, 100),
                ('019b4150', 'Hachi', 'dog', 'Shiba Inu', 520.00, 100),
                ('019b4163', 'Kiwi', 'bird', 'Budgerigar', 35.00, 100),
                ('019b4178', 'Snowball', 'rabbit', 'Netherland Dwarf', 60.00, 100),
                ('019b4189', 'Luna', 'cat', 'Maine Coon', 410.00, 100),
                ('019b4194', 'Rocky', 'dog', 'Beagle', 310.00, 100),
                ('019b41a2', 'Sora', 'bird', 'Cockatiel', 85.00, 100),
                ('019b41b7', 'Bubbles', 'fish', 'Goldfish', 12.50, 100),
                ('019b41c5', 'Nemo', 'fish', 'Clownfish', 28.00, 100),
                ('019b41d3', 'Hazel', 'rabbit', 'Holland Lop', 75.00, 100);
            """
        );

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("drop table seeds.tasks, seeds.sessions, seeds.orders, seeds.pets;");
}
