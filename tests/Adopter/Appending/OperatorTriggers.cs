namespace Adopter.Appending;

/// <summary>A trigger of the database's operator on the log, which fails at the events of one type.</summary>
internal static class OperatorTriggers
{
    public const string Refused = "refused";

    /// <summary>Statements that fail, as a trigger does by intent or by mistake, and whether at the commit.</summary>
    public static TheoryData<string, bool> Failures =>
        new()
        {
            { "raise exception 'no'", false },
            { "raise exception 'no'", true },
            { "raise exception 'no' using errcode = 'ORD01'", false },
            { "raise exception 'no' using errcode = '0A000'", false },
            { "raise exception 'no' using errcode = '55000'", false },
            { "raise exception 'no' using errcode = '42501'", false },
            { "assert false, 'no'", false },
            { "insert into public.missing values (1)", false },
            { "insert into public.missing values (1)", true },
            { "perform public.missing()", false },
            { "perform new.missing", false },
            { "insert into public.audit values (null)", false },
        };

    public static string Sql(string failure, bool isDeferred) =>
        $$"""
            create table public.audit (id int not null);
            create function public.refuse() returns trigger language plpgsql as $body$ begin
                if new.type = '{{Refused}}' then {{failure}}; end if;
                return new;
            end $body$;
            create {{(isDeferred ? "constraint trigger refuses after" : "trigger refuses before")}} insert
                on eventstore.events {{(isDeferred ? "deferrable initially deferred" : "")}}
                for each row execute function public.refuse()
            """;
}
