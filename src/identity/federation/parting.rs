//! Signing out at the provider, after signing out here (OpenID Connect RP-Initiated Logout 1.0, SAML single logout).
//!
//! Whoever signs out here is offered it: a provider's session may serve other programs as well, so ending
//! it is the person's decision. What the provider wants to see, the ID token or by SAML the name that it gave, is
//! kept sealed with the session, and only where the provider lets people sign out by it.

use url::Url;

use super::{Federation, manage, saml::Way};
use crate::{
    identity::token::{digest, fresh},
    model::time::micros,
    store::{StoreError, idp, parting},
};

/// What a provider gives back with whoever signed out there: it says so on our sign-in page.
pub const CAME_BACK: &str = "out_there";
/// Longest ID token that fits an address.
const LONGEST: usize = 4_096;

fn place(session_id: &str) -> String {
    format!("session/{session_id}/hint")
}

/// Where a provider sends people who signed out there; it has to be registered with it.
#[must_use]
pub fn signed_out(public_url: &Url) -> String {
    public_url.join("signin").map(String::from).unwrap_or_default()
}

impl Federation {
    /// Keeps what the provider wants to see with the session that it opened. Without it people still sign out here.
    pub(super) async fn remember(&self, session_id: &str, token: &str) -> Result<(), StoreError> {
        let Some(sealed) = self.keys.seal(&place(session_id), token.as_bytes()).ok() else { return Ok(()) };
        let mut tx = self.db.begin().await?;
        parting::remember(&mut tx, session_id, sealed).await?;
        tx.commit().await
    }

    /// Before the session behind a cookie ends: what its browser gets, to be able to sign out at the provider
    /// as well. `None`: there is no provider, or none that lets people sign out.
    pub async fn part(&self, session: &str) -> Result<Option<String>, StoreError> {
        let (ticket, now) = (fresh(), self.clock.now());
        let expires = now.plus(micros(self.attempt));
        let mut tx = self.db.begin().await?;
        let offered = parting::offer(&mut tx, &digest(session), &digest(&ticket), (now, expires)).await?;
        tx.commit().await?;
        Ok(offered.then_some(ticket))
    }

    /// The name of the provider that a browser may still sign out at.
    pub async fn parting(&self, ticket: &str) -> Result<Option<String>, StoreError> {
        parting::provider(&self.db, &digest(ticket), self.clock.now()).await
    }

    /// The way to sign out at the provider; once. `None`: the offer is gone, or the provider is.
    pub async fn leave_provider(&self, ticket: &str, public_url: &Url) -> Result<Option<Way>, StoreError> {
        let mut tx = self.db.begin().await?;
        let taken = parting::take(&mut tx, &digest(ticket), self.clock.now()).await?;
        tx.commit().await?;
        let Some(taken) = taken else { return Ok(None) };
        let row = idp::get(&self.db, &taken.idp_id).await?.filter(|row| row.enabled);
        let Some(row) = row else { return Ok(None) };
        // Sealed with a key that was taken away: an OpenID provider then asks who is meant.
        let hint = self.keys.open(&place(&taken.session_id), &taken.hint).ok();
        if row.kind == "saml" {
            return self.leave_saml(&row, hint.as_deref().unwrap_or_default(), public_url).await;
        }
        Ok(self.end_session(&row, hint, public_url).await.map(Way::Redirect))
    }

    /// Where an OpenID provider signs people out.
    async fn end_session(&self, row: &idp::Row, hint: Option<Vec<u8>>, public_url: &Url) -> Option<Url> {
        let settings = manage::settings(row)?;
        let metadata = match self.providers.metadata(&self.asking(&settings)).await {
            Ok(metadata) => metadata,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, idp.id = %row.id, "no way to sign out there");
                return None;
            }
        };
        let mut url = metadata.end_session.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &settings.client_id)
            .append_pair("post_logout_redirect_uri", &signed_out(public_url))
            .append_pair("state", CAME_BACK);
        if let Some(hint) = hint.and_then(|hint| String::from_utf8(hint).ok()).filter(|hint| hint.len() <= LONGEST) {
            url.query_pairs_mut().append_pair("id_token_hint", &hint);
        }
        Some(url)
    }
}
