//! Single logout, from either end.
//!
//! A provider's word ends exactly the sessions that it names: of its own people, of its own sessions where it names
//! some, on every node. It counts once, and only signed by a key of the provider. Our word to it is the offer of
//! [`parting`](crate::identity::federation), after the person is signed out here in any case.

use url::Url;

use super::{
    assertion::Expected,
    entity_id,
    flow::Way,
    logout_message::{Asked, Came, End, Envelope, Raw, Said},
    manage::saml_settings,
    name::Name,
    settings::Settings,
    slo,
};
use crate::{
    identity::{
        Identity, Origin,
        federation::{Federation, flow::Refused, manage::note_ended},
        token::{digest, fresh},
    },
    model::{Timestamp, time::micros},
    store::{StoreError, idp::Row, saml, session},
};

/// Until when a provider may take our request.
const REQUEST: i64 = 5 * Timestamp::MINUTE;

/// Where a browser goes that brought a message of a provider.
#[derive(Debug)]
pub enum Parted {
    /// Back to the provider, with our answer.
    Back(Way),
    /// The provider said nowhere to answer.
    Here,
    /// It answered us.
    Told(End),
}

impl Federation {
    /// Heeds a logout message. A refusal is in the audit trail.
    pub async fn logout_saml(
        &self,
        identity: &Identity,
        idp_id: &str,
        came: Came<'_>,
        public_url: &Url,
        origin: &Origin,
    ) -> Result<Parted, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let done = self.heed(identity, idp_id, came, public_url, origin).await;
        if done.is_ok() {
            self.pace.give_back(origin.ip, 1);
        }
        self.note_end(idp_id, done.as_ref().err(), origin).await?;
        done
    }

    async fn heed(
        &self,
        identity: &Identity,
        idp_id: &str,
        came: Came<'_>,
        public_url: &Url,
        origin: &Origin,
    ) -> Result<Parted, Refused> {
        let row = self.provider(idp_id, "saml").await?.filter(|row| row.enabled).ok_or(Refused::Unknown)?;
        let settings = saml_settings(&row).ok_or("IDP_SETTINGS")?;
        let raw = Raw::read(came)?;
        let relay_state = raw.relay_state.clone();
        let keys = self.own_keys(&row, &settings).await?;
        match self.opened(raw, &settings, keys, slo(public_url, idp_id)).await? {
            Said::Request(asked) => {
                self.end_named(identity, &row, &settings, &asked, origin).await?;
                let back = self.answer(&row, &settings, &asked.id, relay_state.as_deref(), public_url)?;
                Ok(back.map_or(Parted::Here, Parted::Back))
            }
            Said::Response(told) => {
                let mut tx = self.db.begin().await?;
                let sent = saml::take_logout(&mut tx, &digest(&told.in_response_to), &row.id, self.clock.now()).await?;
                tx.commit().await?;
                if sent { Ok(Parted::Told(told.end)) } else { Err("LOGOUT_UNASKED".into()) }
            }
        }
    }

    /// Beside the threads that answer others.
    async fn opened(
        &self,
        raw: Raw,
        settings: &Settings,
        own_keys: Vec<Vec<u8>>,
        slo: String,
    ) -> Result<Said, Refused> {
        let (settings, now, leeway) = (settings.clone(), self.clock.now(), micros(self.leeway));
        let keys = settings.trusted(now)?;
        let work = move || {
            let expected = Expected { settings: &settings, keys: &own_keys, audience: "", acs: &slo, now, leeway };
            raw.open(&keys, &expected)
        };
        let said = tokio::task::spawn_blocking(work).await.map_err(|_| Refused::from("RESPONSE_BROKE"))?;
        Ok(said?)
    }

    /// Ends the sessions that a request names, once.
    async fn end_named(
        &self,
        identity: &Identity,
        row: &Row,
        settings: &Settings,
        asked: &Asked,
        origin: &Origin,
    ) -> Result<(), Refused> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let id = digest(&format!("logout {}", asked.id));
        if !saml::use_up(&mut tx, (&settings.entity_id, &id), (now, asked.until)).await? {
            return Err("LOGOUT_AGAIN".into());
        }
        let ended = session::end_named(&mut tx, &row.id, &asked.name, &asked.indexes).await?;
        note_ended(&mut tx, &ended, (&row.id, None), origin, now).await?;
        tx.commit().await?;
        ended.iter().for_each(|(_, user_id)| identity.forget(user_id));
        Ok(())
    }

    /// Our signed answer; `None`: the provider said nowhere to send it.
    fn answer(
        &self,
        row: &Row,
        settings: &Settings,
        to: &str,
        relay_state: Option<&str>,
        public_url: &Url,
    ) -> Result<Option<Way>, Refused> {
        let Some((at, redirect)) = settings.logout() else { return Ok(None) };
        let (id, entity_id) = (format!("_{}", fresh()), entity_id(public_url, &row.id));
        let now = self.clock.now();
        let envelope = Envelope { id: &id, entity_id: &entity_id, destination: &at.answers, now };
        let way = envelope.response(to, relay_state).way(redirect, &self.own_key(row)?);
        Ok(Some(way.ok_or("IDP_SECRET")?))
    }

    /// Keeps how the provider names somebody with the session that it opened, where it lets people sign out.
    pub(super) async fn remember_name(
        &self,
        settings: &Settings,
        session_id: &str,
        name: Option<&Name>,
    ) -> Result<(), StoreError> {
        let Some(name) = name.filter(|_| settings.logout().is_some()) else { return Ok(()) };
        let text = serde_json::to_string(name).map_err(|e| StoreError::Encode(e.into()))?;
        self.remember(session_id, &text).await
    }

    /// The way to sign somebody out at their provider; `None`: it said nowhere, or what was kept cannot be read.
    pub(in crate::identity::federation) async fn leave_saml(
        &self,
        row: &Row,
        hint: &[u8],
        public_url: &Url,
    ) -> Result<Option<Way>, StoreError> {
        let Some(settings) = saml_settings(row) else { return Ok(None) };
        let (Some((at, redirect)), Ok(key)) = (settings.logout(), self.own_key(row)) else { return Ok(None) };
        let Ok(name) = serde_json::from_slice::<Name>(hint) else { return Ok(None) };
        let (id, entity_id, now) = (format!("_{}", fresh()), entity_id(public_url, &row.id), self.clock.now());
        let envelope = Envelope { id: &id, entity_id: &entity_id, destination: &at.requests, now };
        let way = envelope.request(&name, now.plus(REQUEST)).way(redirect, &key);
        let mut tx = self.db.begin().await?;
        saml::sent_logout(&mut tx, &digest(&id), &row.id, (now, now.plus(micros(self.attempt)))).await?;
        tx.commit().await?;
        Ok(way)
    }
}
