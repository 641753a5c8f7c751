//! The devices that somebody signs in with, as far as they name themselves (`User-Agent`): a kind of browser on a
//! kind of system. It proves nothing; it is why somebody hears of a sign-in that was not theirs.
//!
//! Invariant: versions make no other device, so that an update is no news.

use super::{Identity, audit::Origin, session::LONGEST_AGENT, token};
use crate::{
    mail::What,
    model::Timestamp,
    store::{StoreError, Tx, device},
};

impl Identity {
    /// Somebody signs in. They hear of a device that is new to them; of the very first one they need not.
    pub(super) async fn meet(
        &self,
        tx: &mut Tx,
        user_id: &str,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let agent: String = origin.agent.iter().flat_map(|agent| agent.chars()).take(LONGEST_AGENT).collect();
        let this = token::digest(&kind(&agent));
        if !device::met(tx, user_id, &this, now).await? {
            return Ok(());
        }
        // What says nothing of itself is no device to tell others from.
        if !device::any(&mut *tx, user_id, [&this, &token::digest("")]).await? {
            return Ok(());
        }
        let ip = origin.ip.map(|ip| ip.to_string());
        self.notify(tx, user_id, What::NewDevice { at: now.0, agent, ip }).await
    }
}

/// What a browser says of itself, without its versions.
fn kind(agent: &str) -> String {
    let mut kind = String::with_capacity(agent.len());
    for c in agent.chars() {
        let c = if c.is_ascii_digit() { '0' } else { c };
        let again = c == '0' && kind.ends_with(['0', '.', '_']) && kind.contains('0');
        if !(again || (matches!(c, '.' | '_') && kind.ends_with('0'))) {
            kind.push(c);
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_no_other_device() {
        let chrome = |version: &str| {
            format!(
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"
            )
        };
        assert_eq!(kind(&chrome("140.0.0.0")), kind(&chrome("99.0.7204.12")));
        assert_eq!(kind("curl/8.5.0"), "curl/0");
        assert_eq!(kind("iPhone OS 18_1 like"), kind("iPhone OS 9_0_1 like"));
        assert_ne!(kind(&chrome("140.0.0.0")), kind(&format!("{} Edg/140.0.0.0", chrome("140.0.0.0"))));
        assert_ne!(kind("Firefox/1.0"), kind("Chrome/1.0"));
        assert_eq!(kind(""), "");
    }
}
