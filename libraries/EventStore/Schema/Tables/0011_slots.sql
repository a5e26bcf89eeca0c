-- The default number of slots was 1,024. A store that has it agrees anew on what its services say.
delete from eventstore.settings where name = 'slots' and value = '1024 by 1';
