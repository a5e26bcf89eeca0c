-- A directory of the log's topics. list_topics updates it behind the log, so a publish pays nothing for it. It is
-- complete up to topic_directory.through; readers search the rest of the log themselves.
create table eventstore.topics (
    topic text collate "C" primary key,
    events bigint not null,     -- kept events, up to topic_directory.through
    first bigint not null,      -- no kept event of the topic is before this position
    head bigint not null        -- its newest event, up to topic_directory.through
);

-- Events per topic and partition, to subtract when a partition is dropped.
create table eventstore.topic_parts (
    part bigint not null,
    topic text collate "C" not null,
    events bigint not null,
    primary key (part, topic)
);

create table eventstore.topic_directory (
    one boolean primary key default true check (one),
    through bigint not null default 0
);
insert into eventstore.topic_directory default values;
