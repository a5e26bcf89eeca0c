-- The reason why no stream could show this outbox row; null for a valid one. Checked again although the outbox has the
-- same constraints: an operator may have dropped them.
create or replace function eventstore.refusal(topic text, type text, data text) returns text language plpgsql as $$
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
