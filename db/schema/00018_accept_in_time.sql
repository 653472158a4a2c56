-- +goose Up

-- Event ids grow by Postgres's clock, and a group of events is committed within
-- 5 s of their making, or not at all. So whoever reads events in the order of their
-- ids knows up to where no more can come: 5 s before the oldest transaction that
-- still writes began. The transaction has its id by the time the clock is read, so
-- one that is not seen writing yet will ask later than it was looked for.
-- +goose StatementBegin
CREATE FUNCTION accept_in_time(made_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_current_xact_id();
    IF clock_timestamp() - made_at > interval '5 s' THEN
        RAISE EXCEPTION 'the events were made % ago', clock_timestamp() - made_at USING ERRCODE = 'PR001';
    END IF;
END $$;
-- +goose StatementEnd

-- The time before which no more event can be accepted: what accept_in_time allows,
-- before the oldest transaction that writes began. Where that is not told
-- (track_activities is off) it is taken for a minute. Of another role's transactions
-- one that is no member of pg_read_all_stats sees nothing.
CREATE FUNCTION accepted_until() RETURNS timestamptz LANGUAGE sql AS $$
    SELECT least(clock_timestamp(), min(coalesce(xact_start, clock_timestamp() - interval '1 minute'))) - interval '5 s'
    FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()
$$;

-- +goose Down
DROP FUNCTION accepted_until();
DROP FUNCTION accept_in_time(timestamptz);
