//! Kinds of browsers that people signed in with.

use super::{On, StoreError, Tx, sql};
use crate::model::Timestamp;

/// Whether any of somebody's devices is known, beside `but`.
pub async fn any(on: impl Into<On<'_>>, user_id: &str, but: [&[u8]; 2]) -> Result<bool, StoreError> {
    let one = sql("SELECT first_at FROM known_device WHERE user_id = $1 AND device <> $2 AND device <> $3 LIMIT 1");
    let one = one.bind(user_id).bind(but[0]).bind(but[1]);
    Ok(one.optional::<(i64,)>(on).await?.is_some())
}

/// Somebody signed in with it. `true`: for the first time.
pub async fn met(tx: &mut Tx, user_id: &str, device: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let seen = sql("UPDATE known_device SET seen_at = $1 WHERE user_id = $2 AND device = $3");
    if seen.bind(now).bind(user_id).bind(device).execute(&mut *tx).await? > 0 {
        return Ok(false);
    }
    let add = sql("INSERT INTO known_device (user_id, device, first_at, seen_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (user_id, device) DO NOTHING");
    Ok(add.bind(user_id).bind(device).bind(now).execute(tx).await? == 1)
}
