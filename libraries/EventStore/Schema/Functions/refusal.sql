-- The reason to refuse this outbox row, because no stream could send it or it would break other streams; null if it is
-- valid. The outbox has the same constraints, but an operator may have dropped them; the type 'error' is allowed,
-- because features end their streams with it.
create or replace function eventstore.refusal(topic text, type text, key text, data text) returns text
language plpgsql as $$
declare
    escapes text;
    brackets text;
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
    -- Without escaped backslashes, each backslash begins another escape.
    escapes := replace(data, '\\', '');
    if regexp_replace(escapes, '\\u[dD][89abAB]..\\u[dD][c-fC-F]..', '', 'g') ~ '\\u[dD][89a-fA-F]' then
        return 'the data have an unpaired surrogate';
    end if;
    if length(escapes) - length(translate(escapes, '[{', '')) > 64 then
        -- Every second part between quotes is outside of strings. Each round removes the innermost brackets.
        select translate(string_agg(o.part, '' order by o.n), e'{},:+-.0123456789Eaeflnrstu \t', '[]') into brackets
        from unnest(string_to_array(replace(escapes, '\"', ''), '"')) with ordinality as o(part, n) where o.n % 2 = 1;
        for round in 1..64 loop brackets := replace(brackets, '[]', ''); end loop;
        if brackets <> '' then return 'the data are nested deeper than 64 levels'; end if;
    end if;
    return null;
exception when others then
    return 'the data are no JSON: ' || sqlerrm;
end $$;
