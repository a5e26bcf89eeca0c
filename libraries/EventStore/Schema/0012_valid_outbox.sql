-- Whoever writes to the outbox by SQL of his own is held to what is published over HTTP is held to. NOT VALID: rows that wait already are
-- looked at when they are moved.
create function eventstore.refusal(topic text, type text, data text) returns text language plpgsql as $$
begin
    if length(topic) > 256 or topic !~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$' then
        return 'the topic is not dot-separated tokens of [A-Za-z0-9_-], at most 256 characters';
    end if;
    if type !~ '^[^\r\n]+$' then return 'the type is empty or has a line break'; end if;
    if data ~ '[\r\n]' then return 'the data are more than one line'; end if;
    perform data::json;
    return null;
exception when others then
    return 'the data are no JSON: ' || sqlerrm;
end $$;

-- What was taken out of the outbox instead of being published. Nothing reads it: an operator mends a row, puts it back and deletes it here.
create table eventstore.outbox_refused (
    ordinal bigint primary key,
    id uuid not null,
    topic text not null,
    type text not null,
    key text,
    data text not null,
    traceparent text,
    reason text not null,
    refused_at timestamptz not null default clock_timestamp()
);

-- Who appends or writes to the outbox must not wait long behind this waiting for a lock.
do $$
begin
    for try in 1 .. 20 loop
        begin
            set local lock_timeout = '500ms';
            alter table eventstore.outbox
                add constraint outbox_topic_is_tokens
                    check (length(topic) <= 256 and topic ~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$') not valid,
                add constraint outbox_type_is_one_line check (type ~ '^[^\r\n]+$') not valid,
                add constraint outbox_data_are_one_line check (data !~ '[\r\n]') not valid,
                add constraint outbox_data_are_json check ((data::json) is not null) not valid;
            -- Of what enters the log only this: it costs a third of a microsecond an event, under the log's lock.
            alter table eventstore.events add constraint events_type_is_one_line
                check (strpos(type, e'\n') = 0 and strpos(type, e'\r') = 0) not valid;
            set local lock_timeout = 0;
            return;
        exception when lock_not_available or deadlock_detected then
            perform pg_sleep(0.5);
        end;
    end loop;
    raise exception 'The log is in use for longer than 20 s by one transaction, perhaps a backup. Run migrate again once it has ended.';
end $$;

-- Moves up to n committed outbox rows into the log, in the order they were written; what no stream could show goes aside. The fence keeps
-- a deposed leader out. Returns how many rows are out of the outbox, and what was refused.
create function eventstore.move_outbox(lease text, fence_held bigint, n int, out moved int, out refused text[])
language plpgsql as $$
declare
    ordinals bigint[];
    bad bigint[];
    first bigint;
begin
    moved := 0;
    refused := '{}';
    if not exists (select from eventstore.outbox) then return; end if;
    perform eventstore.lock_log();
    if not exists (select from eventstore.leases l where l.name = lease and l.fence = fence_held) then return; end if;
    select array_agg(o.ordinal order by o.ordinal) into ordinals
    from (select ordinal from eventstore.outbox order by ordinal limit n for update skip locked) o;
    if ordinals is null then return; end if;
    moved := cardinality(ordinals);
    with aside as (
        insert into eventstore.outbox_refused
        select o.*, r.reason from eventstore.outbox o, eventstore.refusal(o.topic, o.type, o.data) as r(reason)
        where o.ordinal = any (ordinals) and r.reason is not null
        returning *
    )
    select array_agg(ordinal), coalesce(array_agg(format('row %s, topic %s: %s', ordinal, topic, reason)), '{}') into bad, refused from aside;
    delete from eventstore.outbox where ordinal = any (bad);
    ordinals := array(select o from unnest(ordinals) with ordinality as t(o, ord) where bad is null or o <> all (bad) order by ord);
    if ordinals = '{}' then return; end if;
    first := eventstore.take_positions(cardinality(ordinals));
    insert into eventstore.events
    select first + t.ord - 1, o.id, o.topic, o.type, o.key, o.data, o.traceparent, clock_timestamp()
    from unnest(ordinals) with ordinality as t(ordinal, ord) join eventstore.outbox o using (ordinal);
    delete from eventstore.outbox where ordinal = any (ordinals);
    perform pg_notify('eventstore', '');
end $$;

-- For a Broadcaster of the version before.
create or replace function eventstore.relay_outbox(lease text, fence_held bigint, n int) returns int language sql as $$
    select moved from eventstore.move_outbox(lease, fence_held, n)
$$;
