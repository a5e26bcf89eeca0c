-- True if a write to the log was refused because of its data, by whatever an operator's constraint or trigger raises;
-- false for an outage and for a mistake of the schema. The rule of StoreError.cs.
--   state, rule, context   Of `get stacked diagnostics`: returned_sqlstate, constraint_name, pg_exception_context.
create or replace function eventstore.is_of_data(state text, rule text, context text) returns boolean
language sql as $$
    select state !~ '^(08|26|40|53|57|58|XX|SSE)' and state not in ('25006', '55P03')
        -- A missing partition.
        and not (state = '23514' and rule = '')
        -- The innermost function is the log's own, so a name or a right is missing there; a policy that refuses a row
        -- has the SQLSTATE of a missing right.
        and not (state ~ '^(42|3F)' and substring(context from '[^\n]*PL/pgSQL[^\n]*') like '%eventstore.%'
            and not (state = '42501' and has_table_privilege('eventstore.events', 'insert')
                and has_table_privilege('eventstore.recent_ids', 'insert')))
$$;
