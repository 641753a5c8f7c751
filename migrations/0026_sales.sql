-- What stands around orders: deals and quotes before them, contracts and inquiries beside them.

CREATE TABLE deal (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    number        TEXT,
    name          TEXT   NOT NULL,
    stage         TEXT,                       -- in the source's own words
    status        TEXT   NOT NULL,            -- open | won | lost
    currency      TEXT   NOT NULL,
    amount_minor  BIGINT,
    probability   BIGINT,                     -- percent
    opened_date   TEXT   NOT NULL,            -- the day it came here where the source has none
    expected_date TEXT,
    closed_date   TEXT,                       -- won or lost
    reason        TEXT,
    owner         TEXT,
    order_number  TEXT,                       -- of the order that it became
    occurred_at   BIGINT,
    seq           BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    deleted_at    BIGINT
);
CREATE INDEX deal_customer ON deal (customer_id, opened_date);
CREATE INDEX deal_received ON deal (received_at);

-- How a deal went: one row when it came, and one for each change of its stage or status, as it stood then.
CREATE TABLE deal_move (
    id            TEXT   NOT NULL PRIMARY KEY, -- the deal's id, a dot and the number of its version
    deal_id       TEXT   NOT NULL,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    first         BOOLEAN NOT NULL,
    name          TEXT   NOT NULL,
    move_date     TEXT   NOT NULL,
    stage         TEXT,
    status        TEXT   NOT NULL,
    currency      TEXT   NOT NULL,
    amount_minor  BIGINT,
    probability   BIGINT,
    expected_date TEXT,
    occurred_at   BIGINT,
    deleted_at    BIGINT
);
CREATE INDEX deal_move_customer ON deal_move (customer_id, move_date);
CREATE INDEX deal_move_deal ON deal_move (deal_id);

CREATE TABLE quote (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    number        TEXT   NOT NULL,
    issue_date    TEXT   NOT NULL,
    valid_until   TEXT,
    status        TEXT   NOT NULL,            -- sent | draft | accepted | rejected | expired
    subject       TEXT,
    deal_id       TEXT,
    deal_key      TEXT,                       -- as the source names it: it may come later
    currency      TEXT   NOT NULL,
    net_minor     BIGINT NOT NULL,
    tax_minor     BIGINT NOT NULL,
    total_minor   BIGINT NOT NULL,
    line_count    BIGINT NOT NULL,
    occurred_at   BIGINT,
    seq           BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    deleted_at    BIGINT
);
CREATE INDEX quote_customer ON quote (customer_id, issue_date);
CREATE INDEX quote_number ON quote (number);
CREATE INDEX quote_deal ON quote (deal_id);
CREATE INDEX quote_received ON quote (received_at);
CREATE INDEX quote_deal_open ON quote (connection_id, deal_key) WHERE deal_id IS NULL AND deal_key IS NOT NULL;

CREATE TABLE quote_line (
    quote_id      TEXT   NOT NULL,
    line_no       BIGINT NOT NULL,
    product_code  TEXT,
    description   TEXT   NOT NULL,
    quantity      TEXT,
    unit          TEXT,
    unit_price    TEXT,
    amount_minor  BIGINT NOT NULL,
    tax_rate      TEXT,
    PRIMARY KEY (quote_id, line_no)
);

-- Contracts and inquiries also begin in the hub: then they are of no connection.
CREATE TABLE contract (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT,
    external_id   TEXT,
    number        TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    start_date    TEXT   NOT NULL,
    end_date      TEXT,                       -- last day; NULL: until somebody ends it
    renewal       TEXT   NOT NULL,            -- manual | automatic | none
    status        TEXT   NOT NULL,            -- active | draft | ended | cancelled
    currency      TEXT   NOT NULL,
    amount_minor  BIGINT,
    note          TEXT,
    occurred_at   BIGINT,
    actor         TEXT,                       -- who typed it last
    seq           BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    deleted_at    BIGINT
);
CREATE INDEX contract_customer ON contract (customer_id, start_date);
CREATE INDEX contract_number ON contract (number);
CREATE INDEX contract_received ON contract (received_at);

CREATE TABLE inquiry (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT,
    external_id   TEXT,
    number        TEXT,
    received_date TEXT   NOT NULL,
    channel       TEXT   NOT NULL,            -- phone | mail | web | chat | visit | other
    subject       TEXT   NOT NULL,
    note          TEXT,
    status        TEXT   NOT NULL,            -- open | answered | closed
    answered_at   BIGINT,
    owner         TEXT,
    occurred_at   BIGINT,                     -- when it came, where more than the day is known
    actor         TEXT,
    seq           BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,            -- when the hub got to know it
    deleted_at    BIGINT
);
CREATE INDEX inquiry_customer ON inquiry (customer_id, received_date);
CREATE INDEX inquiry_received ON inquiry (received_at);
