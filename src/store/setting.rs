//! Company-wide values: one JSON document a name.

use serde::{Serialize, de::DeserializeOwned};

use super::{On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// The value of a setting; `None` when it was never written.
pub async fn get<T: DeserializeOwned>(on: impl Into<On<'_>>, name: &'static str) -> Result<Option<T>, StoreError> {
    let row = sql("SELECT value FROM setting WHERE name = $1").bind(name).optional::<(String,)>(on).await?;
    row.map(|(text,)| read(name, &text)).transpose()
}

pub async fn put<T: Serialize>(tx: &mut Tx, name: &'static str, value: &T, now: Timestamp) -> Result<(), StoreError> {
    sql("INSERT INTO setting (name, value, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at")
    .bind(name)
    .bind(json(value)?)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a setting that nobody wrote yet. `false`: somebody was first. Two transactions that race
/// for the same name wait for each other, so exactly one gets `true`.
pub async fn claim<T: Serialize>(
    tx: &mut Tx,
    name: &'static str,
    value: &T,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = sql("INSERT INTO setting (name, value, updated_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .bind(json(value)?)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// The value of a setting, kept from others until the transaction ends; written as `otherwise` when nobody wrote
/// it yet.
pub async fn hold<T: Serialize + DeserializeOwned>(
    tx: &mut Tx,
    name: &'static str,
    otherwise: &T,
    now: Timestamp,
) -> Result<T, StoreError> {
    let (text,): (String,) = sql("INSERT INTO setting (name, value, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET updated_at = setting.updated_at RETURNING value")
    .bind(name)
    .bind(json(otherwise)?)
    .bind(now)
    .one(tx)
    .await?;
    read(name, &text)
}

/// The organisation's zone, which decides what day it is: UTC where its name is unknown to this program.
pub async fn zone(on: impl Into<On<'_>>) -> Result<jiff::tz::TimeZone, StoreError> {
    #[derive(serde::Deserialize)]
    struct Company {
        zone: String,
    }
    let company: Option<Company> = get(on, "company").await?;
    let name = company.map_or_else(|| "Asia/Tokyo".to_owned(), |company| company.zone);
    Ok(jiff::tz::TimeZone::get(&name).unwrap_or(jiff::tz::TimeZone::UTC))
}

fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Corrupt(format!("setting {name} cannot be read: {e}")))
}

fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Encode(Box::new(e)))
}
