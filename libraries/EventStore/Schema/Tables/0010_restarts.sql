-- Work that another process may start again when its own is lost, instead of ending the run. Such a run without a
-- process has the nil writer, and waits for one that knows its handler.
alter table eventstore.runs
    add column handler text,                        -- null: the run ends with its process
    add column input text,                          -- JSON that the handler gets
    add column attempt int not null default 1,
    add column attempts int not null default 1;     -- the last attempt that may be made
