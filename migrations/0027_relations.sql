-- Prospects: customers of whom nobody ordered yet. NULL in life_stage: nobody says, so it is a customer.
ALTER TABLE customer ADD COLUMN life_stage TEXT;    -- prospect | customer
ALTER TABLE customer ADD COLUMN lead_source TEXT;   -- 獲得元
ALTER TABLE customer ADD COLUMN lead_date TEXT;
ALTER TABLE customer ADD COLUMN converted_at BIGINT; -- when the prospect became a customer

-- Who looked after a customer, from when to when: one row for each person or department in a role.
CREATE TABLE customer_relation (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    role          TEXT   NOT NULL,            -- owner | department
    place         BIGINT NOT NULL,            -- 1, 2, … of this customer and role
    name          TEXT   NOT NULL,
    valid_from    TEXT,                       -- first day; NULL: before the hub knew
    valid_to      TEXT,                       -- the day the next took over; NULL: it goes on
    connection_id TEXT,                       -- who said so: a source,
    actor         TEXT,                       -- or a person
    corrected_by  TEXT,                       -- the person who last corrected a day
    updated_at    BIGINT NOT NULL,
    UNIQUE (customer_id, role, place)
);

-- Those who look after customers now; since when, nobody wrote down.
INSERT INTO customer_relation (id, customer_id, role, place, name, updated_at)
    SELECT 'rel_' || SUBSTR(id, 5), id, 'owner', 1, owner, updated_at FROM customer
    WHERE owner IS NOT NULL AND merged_into IS NULL;
INSERT INTO customer_relation (id, customer_id, role, place, name, updated_at)
    SELECT 'rel_7' || SUBSTR(id, 6), id, 'department', 1, department, updated_at FROM customer
    WHERE department IS NOT NULL AND merged_into IS NULL;
