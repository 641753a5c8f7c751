-- The foundation. One text for SQLite and PostgreSQL: TEXT, BIGINT, BOOLEAN and BYTEA only.
-- Instants are UTC microseconds (BIGINT), business dates are calendar dates (TEXT, YYYY-MM-DD),
-- amounts are minor units (BIGINT) beside an ISO 4217 currency, quantities and rates are decimal TEXT,
-- JSON is TEXT. Ids are prefixed and time-sortable. A shipped migration is never edited.

-- ── Installation ────────────────────────────────────────────────────────────────────────────────
CREATE TABLE setting (
    name        TEXT   NOT NULL PRIMARY KEY,
    value       TEXT   NOT NULL,            -- JSON
    updated_at  BIGINT NOT NULL
);

CREATE TABLE app_user (
    id            TEXT    NOT NULL PRIMARY KEY,
    mail          TEXT    NOT NULL,
    mail_key      TEXT    NOT NULL UNIQUE,  -- lower case, trimmed
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    password_hash TEXT,                     -- argon2id, PHC string
    language      TEXT    NOT NULL,
    theme         TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    disabled_at   BIGINT
);

CREATE TABLE session (
    token_hash   BYTEA   NOT NULL PRIMARY KEY, -- SHA-256 of the 256-bit cookie value
    id           TEXT    NOT NULL UNIQUE,
    user_id      TEXT    NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    csrf         TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    seen_at      BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,             -- absolute end; idle end is seen_at + session.idle
    ip           TEXT,
    agent        TEXT
);
CREATE INDEX session_by_user ON session (user_id);

CREATE TABLE audit (
    id          TEXT   NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    actor       TEXT   NOT NULL,              -- user id, 'system' or 'cli'
    action      TEXT   NOT NULL,
    object_kind TEXT   NOT NULL,
    object_id   TEXT   NOT NULL,
    outcome     TEXT   NOT NULL,              -- ok | refused
    ip          TEXT,
    request_id  TEXT,
    detail      TEXT   NOT NULL               -- JSON, no secrets, no personal data
);
CREATE INDEX audit_at ON audit (at);

-- ── Connections, schedules, runs ────────────────────────────────────────────────────────────────
CREATE TABLE connection (
    id          TEXT    NOT NULL PRIMARY KEY,
    connector   TEXT    NOT NULL,             -- manifest name
    name        TEXT    NOT NULL UNIQUE,
    kind        TEXT    NOT NULL,             -- tile: sales | accounting | deals | sheet | bi | hub
    settings    TEXT    NOT NULL,             -- JSON, no secrets
    secrets     BYTEA,                        -- sealed JSON object
    hook_secret_previous BYTEA,               -- sealed, valid until hook_rotated_until
    hook_rotated_until   BIGINT,
    paused      BOOLEAN NOT NULL,
    sample      BOOLEAN NOT NULL,
    schedule    TEXT    NOT NULL,             -- JSON: {"every":"15m"} | {"daily":"08:00"} | {"cron":"…"}, with "catch_up"
    mapping_version BIGINT NOT NULL,
    checked_at  BIGINT,
    check_report TEXT,                        -- JSON of the last connection check
    auth_failed_at BIGINT,                    -- set while the source refuses our credentials
    due_at         BIGINT,                    -- next scheduled pull; NULL: none
    requested_by   TEXT,                      -- set by "sync now": who asked
    leased_by      TEXT,                      -- node that pulls now
    leased_until   BIGINT,
    failures       BIGINT  NOT NULL,          -- consecutive failed runs; 0 when healthy
    retry_at       BIGINT,                    -- backoff, Retry-After or open circuit
    last_run_id    TEXT,
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL
);

CREATE TABLE stream (
    connection_id  TEXT    NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    name           TEXT    NOT NULL,
    enabled        BOOLEAN NOT NULL,
    cursor         TEXT,                      -- JSON, committed with the records it covers
    cursor_at      BIGINT,
    last_ok_at     BIGINT,                    -- end of the last complete pull or applied webhook
    PRIMARY KEY (connection_id, name)
);

CREATE TABLE run (
    id            TEXT   NOT NULL PRIMARY KEY,
    number        BIGINT NOT NULL UNIQUE,
    connection_id TEXT   NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    trigger_kind  TEXT   NOT NULL,            -- schedule | manual | webhook | replay | catch_up
    actor         TEXT,
    state         TEXT   NOT NULL,            -- running | succeeded | partial | failed | interrupted
    mapping_version BIGINT NOT NULL,
    started_at    BIGINT NOT NULL,
    finished_at   BIGINT,
    requests      BIGINT NOT NULL,
    throttled     BIGINT NOT NULL,
    cause         TEXT,                       -- stable code
    detail        TEXT                        -- one sentence for people, no personal data
);
CREATE INDEX run_connection ON run (connection_id, started_at);

CREATE TABLE run_stream (
    run_id       TEXT   NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    stream       TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    read_count   BIGINT NOT NULL,
    new_count    BIGINT NOT NULL,
    updated_count   BIGINT NOT NULL,
    unchanged_count BIGINT NOT NULL,
    parked_count BIGINT NOT NULL,
    failed_count BIGINT NOT NULL,
    source_count BIGINT,                      -- what the source says it has; NULL: 件数未確認
    cursor_from  TEXT,
    cursor_to    TEXT,
    PRIMARY KEY (run_id, stream)
);

-- ── What came in ────────────────────────────────────────────────────────────────────────────────
CREATE TABLE inbox (
    id            TEXT   NOT NULL PRIMARY KEY,
    connection_id TEXT   NOT NULL,
    delivery_id   TEXT   NOT NULL,
    received_at   BIGINT NOT NULL,
    headers       TEXT   NOT NULL,            -- JSON, only the headers the manifest reads
    body          BYTEA  NOT NULL,
    state         TEXT   NOT NULL DEFAULT 'pending', -- pending | applied | failed | ignored
    attempts      BIGINT NOT NULL DEFAULT 0,
    not_before    BIGINT NOT NULL,            -- earliest next attempt
    leased_by     TEXT,
    leased_until  BIGINT,
    applied_at    BIGINT,
    event         TEXT,
    object        TEXT,                       -- stream and external id, for the log
    run_id        TEXT,
    cause         TEXT,
    duplicates    BIGINT NOT NULL DEFAULT 0,  -- re-deliveries seen and ignored
    UNIQUE (connection_id, delivery_id)
);
-- Small and left alone by what is done: only waiting deliveries stand in it.
CREATE INDEX inbox_pending ON inbox (connection_id, not_before, id) WHERE state = 'pending';

CREATE TABLE hook_refusal (
    id            TEXT   NOT NULL PRIMARY KEY,
    connection_id TEXT   NOT NULL,
    at            BIGINT NOT NULL,
    cause         TEXT   NOT NULL,
    detail        TEXT   NOT NULL,
    times         BIGINT NOT NULL             -- equal refusals in the same minute are one row
);
CREATE INDEX hook_refusal_at ON hook_refusal (connection_id, at);

CREATE TABLE source_record (
    connection_id TEXT   NOT NULL,
    stream        TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    record_id     TEXT   NOT NULL,            -- the hub's id: cus_…, ord_…
    content_hash  BYTEA  NOT NULL,            -- SHA-256 of the canonical record, first 16 bytes
    source_version BIGINT,                    -- the source's own change time or counter
    seq           BIGINT NOT NULL,            -- the hub's version number of the record
    body          TEXT,                       -- values as last seen; only for records with survivorship
    seen_at       BIGINT NOT NULL,
    deleted_at    BIGINT,
    PRIMARY KEY (connection_id, stream, external_id)
);
CREATE INDEX source_record_record ON source_record (record_id);

CREATE TABLE failure (
    id            TEXT   NOT NULL PRIMARY KEY,
    connection_id TEXT   NOT NULL,
    stream        TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    cause         TEXT   NOT NULL,
    field         TEXT,                       -- the hub's field
    source_path   TEXT,                       -- where the value stands in the payload
    value         TEXT,                       -- offending value
    label         TEXT   NOT NULL,            -- number or name of the record, for lists
    payload       TEXT   NOT NULL,
    source_version BIGINT,
    run_id        TEXT,
    state         TEXT   NOT NULL,            -- open | retrying | ignored | resolved
    attempts      BIGINT NOT NULL,
    first_at      BIGINT NOT NULL,
    last_at       BIGINT NOT NULL,
    resolved_at   BIGINT,
    note          TEXT,
    UNIQUE (connection_id, stream, external_id)
);
CREATE INDEX failure_state ON failure (state, cause, last_at);

CREATE TABLE parked (
    connection_id TEXT   NOT NULL,
    stream        TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    waits_for     TEXT   NOT NULL,            -- customer key in the same connection
    payload       TEXT   NOT NULL,            -- as the source sent it
    canonical     TEXT   NOT NULL,            -- as mapped, applied when the customer comes
    source_version BIGINT,
    run_id        TEXT,
    parked_at     BIGINT NOT NULL,
    PRIMARY KEY (connection_id, stream, external_id)
);
CREATE INDEX parked_waits ON parked (connection_id, waits_for);
CREATE INDEX parked_at ON parked (parked_at);

-- ── The master record ───────────────────────────────────────────────────────────────────────────
CREATE TABLE customer (
    id                  TEXT    NOT NULL PRIMARY KEY,
    kind                TEXT    NOT NULL,     -- corporation | person
    code                TEXT,                 -- 得意先コード shown first
    name                TEXT    NOT NULL,
    name_kana           TEXT,
    name_key            TEXT    NOT NULL,     -- normalised for linking
    corporate_number    TEXT,
    registration_number TEXT,
    phone               TEXT,
    mail                TEXT,
    postal_code         TEXT,
    address             TEXT,                 -- bill-to address
    industry            TEXT,
    department          TEXT,                 -- 担当部署
    owner               TEXT,                 -- 担当
    closing_day         TEXT,
    payment_terms       TEXT,
    credit_limit_minor  BIGINT,
    currency            TEXT    NOT NULL,
    price_class         TEXT,
    provenance          TEXT    NOT NULL,     -- JSON: field -> {connection, at, why}
    seq                 BIGINT  NOT NULL,
    sample              BOOLEAN NOT NULL,
    created_at          BIGINT  NOT NULL,
    updated_at          BIGINT  NOT NULL,
    merged_into         TEXT
);
CREATE INDEX customer_corporate ON customer (corporate_number);
CREATE INDEX customer_registration ON customer (registration_number);
CREATE INDEX customer_updated ON customer (updated_at);

CREATE TABLE customer_code (
    connection_id TEXT NOT NULL,              -- or 'kind:sales', 'sample:sales' while the named system has not sent it yet
    code          TEXT NOT NULL,              -- that system's own 得意先コード
    customer_id   TEXT NOT NULL,
    PRIMARY KEY (connection_id, code)
);
CREATE INDEX customer_code_customer ON customer_code (customer_id);

CREATE TABLE site (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    code          TEXT,
    role          TEXT   NOT NULL,            -- ship_to | bill_to | both
    name          TEXT   NOT NULL,
    postal_code   TEXT,
    address       TEXT,
    phone         TEXT,
    closing_day   TEXT,
    owner         TEXT,
    seq           BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX site_customer ON site (customer_id);

CREATE TABLE contact (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    name_kana     TEXT,
    department    TEXT,
    title         TEXT,
    mail          TEXT,
    phone         TEXT,
    seq           BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX contact_customer ON contact (customer_id);

CREATE TABLE sales_order (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    number        TEXT   NOT NULL,
    order_date    TEXT   NOT NULL,
    delivery_date TEXT,
    status        TEXT   NOT NULL,            -- open | shipped | closed | cancelled
    subject       TEXT,
    bill_to       TEXT,                       -- customer id where it differs
    ship_to       TEXT,                       -- site id
    bill_to_key   TEXT,                       -- both as the source names them: they may come later
    ship_to_key   TEXT,
    currency      TEXT   NOT NULL,
    net_minor     BIGINT NOT NULL,
    tax_minor     BIGINT NOT NULL,
    total_minor   BIGINT NOT NULL,
    line_count    BIGINT NOT NULL,
    occurred_at   BIGINT,                     -- the source's own instant, where it has one
    seq           BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    deleted_at    BIGINT
);
CREATE INDEX sales_order_customer ON sales_order (customer_id, order_date);
CREATE INDEX sales_order_number ON sales_order (number);
CREATE INDEX sales_order_payer_open ON sales_order (connection_id, bill_to_key)
    WHERE bill_to IS NULL AND bill_to_key IS NOT NULL;
CREATE INDEX sales_order_site_open ON sales_order (connection_id, ship_to_key)
    WHERE ship_to IS NULL AND ship_to_key IS NOT NULL;

CREATE TABLE sales_order_line (
    order_id      TEXT   NOT NULL,
    line_no       BIGINT NOT NULL,
    product_code  TEXT,
    description   TEXT   NOT NULL,
    quantity      TEXT   NOT NULL,
    unit          TEXT,
    unit_price    TEXT,
    amount_minor  BIGINT NOT NULL,
    tax_rate      TEXT,
    PRIMARY KEY (order_id, line_no)
);

CREATE TABLE invoice (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    number        TEXT   NOT NULL,
    kind          TEXT   NOT NULL,            -- invoice | credit_note
    corrects      TEXT,                       -- number of the invoice a credit note corrects
    issue_date    TEXT   NOT NULL,
    closing_date  TEXT,
    due_date      TEXT,
    status        TEXT   NOT NULL,            -- open | paid | cancelled
    registration_number TEXT,
    currency      TEXT   NOT NULL,
    net_minor     BIGINT NOT NULL,            -- credit notes are stored positive; kind carries the sign
    tax_minor     BIGINT NOT NULL,
    total_minor   BIGINT NOT NULL,
    line_count    BIGINT NOT NULL,
    occurred_at   BIGINT,
    seq           BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    deleted_at    BIGINT
);
CREATE INDEX invoice_customer ON invoice (customer_id, issue_date);
CREATE INDEX invoice_number ON invoice (number);

CREATE TABLE invoice_line (
    invoice_id    TEXT   NOT NULL,
    line_no       BIGINT NOT NULL,
    product_code  TEXT,
    description   TEXT   NOT NULL,
    quantity      TEXT,
    unit          TEXT,
    unit_price    TEXT,
    amount_minor  BIGINT NOT NULL,
    tax_rate      TEXT,
    PRIMARY KEY (invoice_id, line_no)
);

CREATE TABLE invoice_tax (
    invoice_id    TEXT   NOT NULL,
    rate          TEXT   NOT NULL,            -- percent, canonical decimal: 10, 8
    taxable_minor BIGINT NOT NULL,
    tax_minor     BIGINT NOT NULL,            -- rounded once per invoice and rate, by the source
    PRIMARY KEY (invoice_id, rate)
);

CREATE TABLE invoice_order (
    invoice_id    TEXT   NOT NULL,
    order_number  TEXT   NOT NULL,
    PRIMARY KEY (invoice_id, order_number)
);

CREATE TABLE payment (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    number        TEXT,
    paid_date     TEXT   NOT NULL,
    method        TEXT,
    currency      TEXT   NOT NULL,
    amount_minor  BIGINT NOT NULL,
    occurred_at   BIGINT,
    seq           BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    deleted_at    BIGINT
);
CREATE INDEX payment_customer ON payment (customer_id, paid_date);

CREATE TABLE payment_allocation (
    payment_id    TEXT   NOT NULL,
    invoice_number TEXT  NOT NULL,
    amount_minor  BIGINT NOT NULL,
    PRIMARY KEY (payment_id, invoice_number)
);
CREATE INDEX payment_allocation_invoice ON payment_allocation (invoice_number);

CREATE TABLE activity (
    id            TEXT   NOT NULL PRIMARY KEY,
    customer_id   TEXT   NOT NULL,
    kind          TEXT   NOT NULL,            -- visit | call | mail | meeting | note
    subject       TEXT   NOT NULL,
    note          TEXT,
    activity_date TEXT   NOT NULL,
    occurred_at   BIGINT NOT NULL,
    actor         TEXT   NOT NULL,
    seq           BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX activity_customer ON activity (customer_id, activity_date);

CREATE TABLE version (
    record_id     TEXT   NOT NULL,
    seq           BIGINT NOT NULL,
    customer_id   TEXT,                       -- set on customer versions, for the history page
    valid_from    BIGINT NOT NULL,            -- observed
    valid_to      BIGINT,
    effective_at  BIGINT,                     -- the source's own time
    connection_id TEXT,
    actor         TEXT,
    run_id        TEXT,
    reason        TEXT   NOT NULL,            -- created | source | edited | linked | sample | deleted
    body          TEXT   NOT NULL,            -- JSON
    PRIMARY KEY (record_id, seq)
);

-- Read model: refreshed after commits, recomputed from the documents at any time.
CREATE TABLE customer_stat (
    customer_id     TEXT   NOT NULL PRIMARY KEY,
    basis           TEXT   NOT NULL,          -- invoiced | ordered
    sales_12m_minor BIGINT NOT NULL,
    sales_prev_minor BIGINT NOT NULL,
    ltv_minor       BIGINT NOT NULL,
    orders_12m      BIGINT NOT NULL,
    orders_24m      BIGINT NOT NULL,
    sales_24m_minor BIGINT NOT NULL,
    receivable_minor BIGINT NOT NULL,
    overdue_minor   BIGINT NOT NULL,
    first_order     TEXT,
    last_order      TEXT,
    last_contact    TEXT,
    events          BIGINT NOT NULL,
    monthly         TEXT   NOT NULL,          -- JSON: 12 amounts, oldest first
    health          TEXT   NOT NULL,          -- good | watch | act | new | dormant
    refreshed_at    BIGINT NOT NULL
);
CREATE INDEX customer_stat_refreshed ON customer_stat (refreshed_at);
