-- The feed of changes: versions in one order for everybody who reads, given after they are committed, so that none
-- comes in behind a reader. A version has no place until somebody reads that far.
ALTER TABLE version ADD COLUMN number BIGINT;
CREATE UNIQUE INDEX version_number ON version (number) WHERE number IS NOT NULL;
CREATE INDEX version_open ON version (valid_from, record_id, seq) WHERE number IS NULL;

-- One row, once somebody has read.
CREATE TABLE change_head (
    name   TEXT   NOT NULL PRIMARY KEY,
    epoch  TEXT   NOT NULL,                    -- of these numbers: a restored backup begins another
    number BIGINT NOT NULL                     -- the last one given
);
