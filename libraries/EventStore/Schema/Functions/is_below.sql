-- True if a topic is one of the given ones, or below one: the prompt of generations.7 is in generations.7.prompt.
create or replace function eventstore.is_below(topic text, tops text[]) returns boolean language sql immutable as $$
    select exists (select from unnest(tops) t where starts_with(topic || '.', t || '.'))
$$;
