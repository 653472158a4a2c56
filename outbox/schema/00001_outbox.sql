-- What is to be published, written in the transactions of those who publish.
CREATE TABLE IF NOT EXISTS postrider_outbox (
	-- One sequence without a cache, so that an event whose Dispatch began after another
	-- transaction's commit has a higher number than that one's events.
	seq bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
	id text COLLATE "C" NOT NULL CHECK (id <> ''),
	type text NOT NULL,
	-- The event as it is published, JSON. As text: receivers get a payload's very bytes.
	event text NOT NULL,
	bytes integer GENERATED ALWAYS AS (octet_length(event)) STORED,
	dispatched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	-- What Postrider refused is set aside and says why.
	failed_at timestamptz,
	error_code text,
	error text,
	CHECK ((failed_at IS NULL) = (error IS NULL) AND (error IS NULL) = (error_code IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);

-- What waits and what is set aside, each by itself: neither read passes over the other's rows.
CREATE INDEX IF NOT EXISTS postrider_outbox_waiting ON postrider_outbox (seq) WHERE failed_at IS NULL;
CREATE INDEX IF NOT EXISTS postrider_outbox_failed ON postrider_outbox (id) WHERE failed_at IS NOT NULL;

-- One row: which relay sends, and until when nobody else does.
CREATE TABLE IF NOT EXISTS postrider_outbox_relay (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	holder text NOT NULL DEFAULT '',
	expires_at timestamptz NOT NULL DEFAULT '-infinity',
	-- Whether those who publish are to notify it.
	listening boolean NOT NULL DEFAULT false
);
INSERT INTO postrider_outbox_relay DEFAULT VALUES ON CONFLICT DO NOTHING;
