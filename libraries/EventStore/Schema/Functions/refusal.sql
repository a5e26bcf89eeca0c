-- The reason to refuse this outbox row, because no stream could send it or it would break other streams; null if it is
-- valid. The outbox has the same constraints, but an operator may have dropped them; the type 'error' is allowed,
-- because features end their streams with it.
create or replace function eventstore.refusal(topic text, type text, key text, data text) returns text
language plpgsql as $$
begin
    if length(topic) > 256 or topic !~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$' or topic ~ '^([^.]*\.){32}' then
        return 'the topic is not 1 to 32 dot-separated tokens of [A-Za-z0-9_-], at most 256 characters';
    end if;
    if type !~ '^[^\r\n]+$' then return 'the type is empty or has a line break'; end if;
    if type in ('connected', 'begin', 'position', 'resync', 'skipped', 'unauthorized') then
        return 'the type is one that only the server sends';
    end if;
    if length(type) > 256 or length(key) > 256 then return 'the type or the key has more than 256 characters'; end if;
    if octet_length(data) > 1048576 then return 'the data are more than 1,048,576 bytes'; end if;
    if data ~ '[\r\n]' then return 'the data are more than one line'; end if;
    perform data::json;
    return null;
exception when others then
    return 'the data are no JSON: ' || sqlerrm;
end $$;
