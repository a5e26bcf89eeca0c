-- abandon_runs() looks up the keys of the runs that it ends, under the log's lock.
create index idempotency_keys_answer on eventstore.idempotency_keys (answer);
