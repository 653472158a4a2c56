-- What the loading knows besides Postrider's own tables: whose endpoints there are,
-- in the order in which they are busy, and which days are loaded.
CREATE SCHEMA IF NOT EXISTS years;
CREATE TABLE IF NOT EXISTS years.endpoints (
    workspace_id text NOT NULL,
    n            int  NOT NULL,
    endpoint_id  uuid NOT NULL,
    PRIMARY KEY (workspace_id, n)
);
CREATE TABLE IF NOT EXISTS years.days (day date PRIMARY KEY);
