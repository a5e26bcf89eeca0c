-- The time for which a lease was granted: by it hold_lease knows an expiry from before the clock was set back.
alter table eventstore.leases add column granted_for interval;  -- null: by an older version
