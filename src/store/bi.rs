//! Logins of PostgreSQL that read the views of the schema `bi` and nothing else.
//!
//! Invariants: only a role that this file made is changed or removed, which its comment tells; names are checked
//! before they are quoted; a password comes as a SCRAM verifier, so that no log of the server ever holds one.

use super::{Db, Dialect, FromRow, StoreError, Tx, sql};

/// Connections that one login may have at a time.
const CONNECTIONS: u32 = 20;
/// `insufficient_privilege` and `dependent_objects_still_exist`.
const REFUSED: &str = "42501";
const OWNS: &str = "2BP01";

#[derive(Debug, thiserror::Error)]
pub enum BiError {
    #[error(
        "the SQL feed needs PostgreSQL, and this hub keeps its data in SQLite. Tools can read the OData feed instead (/odata/v4, see docs/bi.md), or move the hub with `musubi copy`"
    )]
    Sqlite,
    #[error(
        "a login is named with a small letter first, then small letters, digits and _, 63 characters at most, and not pg_…"
    )]
    Name,
    #[error("the role {0} was not made by `musubi bi grant` for this hub, so it is left alone: take another name")]
    Taken(String),
    #[error("there is no login {0} of this hub: `musubi bi list` shows those there are")]
    Missing(String),
    #[error(
        "the hub's database user {user} may not do this: let an administrator of the server run `ALTER ROLE \"{user}\" CREATEROLE`, then try again"
    )]
    NotAllowed {
        user: String,
        #[source]
        source: StoreError,
    },
    #[error(
        "the role {0} owns something in a database, so it cannot be removed: let an administrator run `DROP OWNED BY` there first"
    )]
    Owns(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A login as lists show it.
#[derive(Clone, Debug, FromRow)]
pub struct Login {
    pub name: String,
    /// Longest time of a statement in milliseconds, as text.
    pub timeout: Option<String>,
    pub connected: i64,
}

/// Where the views are.
#[derive(Clone, Debug, FromRow)]
pub struct Place {
    pub database: String,
    pub schema: String,
    /// The hub's own database user.
    pub user: String,
}

impl Place {
    fn mark(&self) -> String {
        format!("Musubi BI login: reads schema {} of database {}", self.schema, self.database)
    }
}

/// What a login shall be.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    pub name: &'a str,
    /// `None`: the password stays. A new login needs one.
    pub verifier: Option<&'a str>,
    pub timeout_ms: i64,
}

/// Where the views of this hub are.
pub async fn place(db: &Db) -> Result<Place, BiError> {
    if db.dialect() == Dialect::Sqlite {
        return Err(BiError::Sqlite);
    }
    Ok(sql("SELECT CAST(current_database() AS text) AS database, CAST(current_user AS text) AS \"user\",
            CASE WHEN current_schema() = 'public' THEN 'bi' ELSE current_schema() || '_bi' END AS schema")
    .one(db)
    .await?)
}

/// Whether there is such a login of this hub. An error where the name is somebody else's.
pub async fn exists(db: &Db, place: &Place, name: &str) -> Result<bool, BiError> {
    let sound = name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.starts_with("pg_");
    if !sound {
        return Err(BiError::Name);
    }
    let found: Option<(Option<String>,)> =
        sql("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1")
            .bind(name)
            .optional(db)
            .await?;
    match found {
        None => Ok(false),
        Some((Some(mark),)) if mark == place.mark() => Ok(true),
        Some(_) => Err(BiError::Taken(name.to_owned())),
    }
}

/// Makes a login, or brings one to what is wanted. `true`: it is new.
pub async fn grant(db: &Db, grant: Grant<'_>) -> Result<bool, BiError> {
    let place = place(db).await?;
    let there = exists(db, &place, grant.name).await?;
    let Grant { name, verifier, timeout_ms } = grant;
    let (role, schema, database) = (quoted(name), quoted(&place.schema), quoted(&place.database));
    let password = verifier.map(|verifier| format!(" PASSWORD {}", literal(verifier))).unwrap_or_default();
    let making = if there { "ALTER" } else { "CREATE" };
    let setting = |text: String| format!("ALTER ROLE {role} IN DATABASE {database} SET {text}");
    let statements = [
        format!("{making} ROLE {role} LOGIN NOINHERIT CONNECTION LIMIT {CONNECTIONS}{password}"),
        format!("COMMENT ON ROLE {role} IS {}", literal(&place.mark())),
        setting("default_transaction_read_only = on".to_owned()),
        setting(format!("statement_timeout = {}", timeout_ms.max(1))),
        setting("idle_in_transaction_session_timeout = '60s'".to_owned()),
        setting(format!("search_path = {schema}")),
        format!("GRANT CONNECT ON DATABASE {database} TO {role}"),
        format!("GRANT USAGE ON SCHEMA {schema} TO {role}"),
        format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"),
        format!("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}"),
        // Views that a later version brings.
        format!("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}"),
    ];
    run(db, &place, name, statements).await?;
    Ok(!there)
}

/// Ends a login: its sessions, its rights and the role itself.
pub async fn revoke(db: &Db, name: &str) -> Result<(), BiError> {
    let place = place(db).await?;
    if !exists(db, &place, name).await? {
        return Err(BiError::Missing(name.to_owned()));
    }
    let (role, schema, database) = (quoted(name), quoted(&place.schema), quoted(&place.database));
    let statements = [
        format!("ALTER ROLE {role} NOLOGIN"),
        format!("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} REVOKE SELECT ON TABLES FROM {role}"),
        format!("REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}"),
        format!("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM {role}"),
        format!("REVOKE ALL ON SCHEMA {schema} FROM {role}"),
        format!("REVOKE CONNECT ON DATABASE {database} FROM {role}"),
        format!(
            "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {}; END $$",
            literal(name)
        ),
        format!("DROP ROLE {role}"),
    ];
    run(db, &place, name, statements).await
}

/// The logins of this hub, by name.
pub async fn logins(db: &Db) -> Result<Vec<Login>, BiError> {
    let place = place(db).await?;
    let text = "SELECT CAST(r.rolname AS text) AS name,
            (SELECT split_part(s, '=', 2) FROM pg_db_role_setting x, unnest(x.setconfig) s
                WHERE x.setrole = r.oid AND s LIKE 'statement_timeout=%' LIMIT 1) AS timeout,
            (SELECT COUNT(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid) AS connected
         FROM pg_roles r WHERE shobj_description(r.oid, 'pg_authid') = $1 ORDER BY r.rolname";
    Ok(sql(text).bind(place.mark()).all(db).await?)
}

async fn run(db: &Db, place: &Place, name: &str, statements: impl IntoIterator<Item = String>) -> Result<(), BiError> {
    let mut tx: Tx = db.begin().await?;
    for statement in statements {
        sql(statement).execute(&mut tx).await.map_err(|source| match code(&source).as_deref() {
            Some(REFUSED) => BiError::NotAllowed { user: place.user.clone(), source },
            Some(OWNS) => BiError::Owns(name.to_owned()),
            _ => source.into(),
        })?;
    }
    tx.commit().await?;
    Ok(())
}

fn code(error: &StoreError) -> Option<String> {
    match error {
        StoreError::Database(sqlx::Error::Database(e)) => e.code().map(|code| code.into_owned()),
        _ => None,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Our own texts; the escape is for a schema or database whose name holds a quote.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
