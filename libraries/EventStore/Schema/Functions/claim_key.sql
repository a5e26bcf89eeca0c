-- Gives an idempotency key to the first request that names it, and that request's id to every later one; `same` is
-- false if the content differs.
create or replace function eventstore.claim_key(by_owner text, claimed text, with_digest bytea, with_answer text,
    kept interval, out same boolean, out first_answer text) language plpgsql as $$
begin
    insert into eventstore.idempotency_keys as k (owner, key, digest, answer)
    values (by_owner, claimed, with_digest, with_answer)
    on conflict (owner, key) do update
    set digest = excluded.digest, answer = excluded.answer, created_at = excluded.created_at
    where k.created_at < clock_timestamp() - kept;
    select k.digest = with_digest, k.answer into same, first_answer from eventstore.idempotency_keys k
    where k.owner = by_owner and k.key = claimed;
end $$;
