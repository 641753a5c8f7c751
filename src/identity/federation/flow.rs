//! The way to a provider and back: code flow with PKCE (RFC 7636, S256), state, nonce, and the issuer named in
//! the callback (RFC 9207).

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Federation, callback, claims,
    exchange::{Exchange, Told},
    force::as_tried,
    manage,
    person::Known,
    preset::Preset,
    provider::{Asking, ProviderError},
    report::Heard,
    settings::{Settings, departments_of},
    trial::{self, Purpose},
};
use crate::{
    identity::{
        AuditEntry, Identity, Origin, Outcome, SignedIn, audit,
        token::{digest, equal, fresh},
    },
    model::time::micros,
    store::{StoreError, idp},
};

/// Longest value of a parameter in the callback.
const LONGEST: usize = 4_096;

/// A sign-in on its way: where the browser goes, and the cookie that binds it.
#[derive(Debug)]
pub struct Begun {
    pub url: Url,
    pub cookie: String,
}

/// A browser that came back.
#[derive(Clone, Debug)]
pub struct Back<'a> {
    pub idp_id: &'a str,
    pub public_url: &'a Url,
    /// The raw query of the callback.
    pub query: &'a str,
    /// The cookie that [`Begun`] gave.
    pub cookie: Option<&'a str>,
    /// The session that the browser had; it ends with the new one.
    pub previous: Option<&'a str>,
    /// The link of an invitation that the browser opened.
    pub invitation: Option<&'a str>,
}

/// What a way to a provider and back ended in.
#[derive(Debug)]
pub enum Arrival {
    /// `next`: where the person wanted to go.
    SignedIn { session: SignedIn, next: String },
    /// An administrator tried the provider: there are findings, and nobody was signed in.
    Tried { idp_id: String },
    /// Somebody proved again who they are: the session's new cookie.
    Proved { token: SecretString, next: String },
    /// Somebody signs in by this provider as well from now on.
    Linked,
}

/// Why somebody is not signed in. The person reads one sentence and the request id; the code stands in the
/// audit trail.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such provider, or it is switched off.
    #[error("no such provider")]
    Unknown,
    #[error("{code}")]
    Check { code: &'static str, detail: Option<String> },
    /// The address tried too often; nothing was looked at.
    #[error("too many tries; wait {} s", .0.as_secs())]
    Wait(Duration),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<&'static str> for Refused {
    fn from(code: &'static str) -> Self {
        Self::Check { code, detail: None }
    }
}

impl From<ProviderError> for Refused {
    fn from(error: ProviderError) -> Self {
        Self::Check { code: error.code, detail: Some(error.detail) }
    }
}

/// Made again from the browser's cookie: nothing secret of an attempt is stored.
fn derived(what: &str, cookie: &str, state: &str) -> String {
    let hash = Sha256::new()
        .chain_update(what)
        .chain_update([0])
        .chain_update(cookie)
        .chain_update([0])
        .chain_update(state)
        .finalize();
    BASE64_URL_SAFE_NO_PAD.encode(hash)
}

impl Federation {
    /// Providers that people may choose on the sign-in page: where each button leads, and the name on it.
    pub async fn offered(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = idp::all(&self.db).await?.into_iter().filter(|row| row.enabled);
        Ok(rows.map(|row| (format!("/auth/{}/{}/start", row.kind, row.id), row.name)).collect())
    }

    /// Sends a browser to a provider. `cookie`: what it was bound by before, so that two tabs can be on
    /// their way at once. A refusal is in the audit trail.
    pub async fn begin(
        &self,
        idp_id: &str,
        next: &str,
        cookie: Option<&str>,
        public_url: &Url,
        origin: &Origin,
    ) -> Result<Begun, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let begun = self.leave_for(idp_id, Purpose::SignIn { next }, cookie, public_url).await;
        self.note(idp_id, begun.as_ref().err(), origin).await?;
        begun
    }

    pub(super) async fn leave_for(
        &self,
        idp_id: &str,
        purpose: Purpose<'_>,
        cookie: Option<&str>,
        public_url: &Url,
    ) -> Result<Begun, Refused> {
        let row = self.provider(idp_id, "oidc").await?.filter(|row| purpose.may_use(row)).ok_or(Refused::Unknown)?;
        let row = if purpose.is_trial() { as_tried(&self.db, row).await? } else { row };
        let settings = manage::settings(&row).ok_or("IDP_SETTINGS")?;
        let metadata = self.providers.metadata(&self.asking(&settings)).await?;
        let cookie = bound(cookie);
        let state = fresh();
        self.set_out(&row.id, purpose, &cookie, &state).await?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(derived("pkce", &cookie, &state)));
        let mut url = metadata.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &callback(public_url, &row.id))
            .append_pair("scope", &settings.scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &derived("nonce", &cookie, &state))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        url.query_pairs_mut().extend_pairs(purpose.asks(&row, settings.max_age));
        Ok(Begun { url, cookie })
    }

    /// A provider of a kind, also one that is switched off.
    pub(super) async fn provider(&self, idp_id: &str, kind: &str) -> Result<Option<idp::Row>, StoreError> {
        Ok(idp::get(&self.db, idp_id).await?.filter(|row| row.kind == kind))
    }

    /// Remembers that a browser left for a provider. `name`: what the provider is given and gives back.
    pub(super) async fn set_out(
        &self,
        idp_id: &str,
        purpose: Purpose<'_>,
        cookie: &str,
        name: &str,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let kept = purpose.kept();
        let attempt = idp::Attempt {
            browser_hash: digest(cookie).to_vec(),
            idp_id: idp_id.to_owned(),
            next: kept.next.to_owned(),
            expires_at: now.plus(micros(self.attempt)).0,
            trial: kept.trial.map(str::to_owned),
            act: kept.act.map(|act| act.as_str().to_owned()),
            session_id: kept.session_id.map(str::to_owned),
            begun_at: now.0,
        };
        let mut tx = self.db.begin().await?;
        idp::purge_attempts(&mut tx, now).await?;
        idp::begin(&mut tx, &digest(name), &attempt).await?;
        tx.commit().await
    }

    pub(super) fn asking<'a>(&'a self, settings: &'a Settings) -> Asking<'a> {
        Asking { wire: &self.wire, settings, now: self.clock.now() }
    }

    /// Signs somebody in who comes back from a provider, or says why not. A refusal is in the audit trail.
    pub async fn finish(&self, identity: &Identity, back: Back<'_>, origin: &Origin) -> Result<Arrival, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let done = self.arrive(identity, &back, origin).await;
        if done.is_ok() {
            self.pace.give_back(origin.ip, 2);
        }
        self.note(back.idp_id, done.as_ref().err(), origin).await?;
        done
    }

    /// A refusal, for the administrator who looks for it by its request id.
    pub(super) async fn note(
        &self,
        idp_id: &str,
        refused: Option<&Refused>,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        self.note_as(("session.start", idp_id), refused, origin).await
    }

    /// A word that should have ended sessions, for the audit trail.
    pub(super) async fn note_end(
        &self,
        idp_id: &str,
        refused: Option<&Refused>,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        self.note_as(("session.end", idp_id), refused, origin).await
    }

    async fn note_as(
        &self,
        (action, idp_id): (&'static str, &str),
        refused: Option<&Refused>,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let Some(Refused::Check { code, detail }) = refused else { return Ok(()) };
        let detail = detail.as_deref().map(|text| text.chars().take(300).collect::<String>());
        let entry = AuditEntry {
            actor: "system",
            action,
            object_kind: "idp",
            object_id: idp_id,
            outcome: Outcome::Refused,
            origin,
            detail: json!({"code": code, "idp": idp_id, "detail": detail}),
        };
        audit::record_alone(&self.db, entry, self.clock.now()).await
    }

    async fn arrive(&self, identity: &Identity, back: &Back<'_>, origin: &Origin) -> Result<Arrival, Refused> {
        let row = self.provider(back.idp_id, "oidc").await?.ok_or(Refused::Unknown)?;
        let asked = Callback::read(back.query)?;
        let (state, attempt) = self.take(back, &asked).await?;
        if let Some(session_id) = &attempt.trial {
            let me = self.tester(identity, session_id, back.previous).await?;
            let row = as_tried(&self.db, row).await?;
            let heard = match trial::is_of(&attempt, &row) {
                Ok(()) => self.hear(&row, back, &asked, &state).await,
                Err(refused) => Err(refused),
            };
            let heard = heard.map(|(settings, told)| Heard::of_token(&settings, &told));
            return self.tried(&row, &me, heard, origin).await;
        }
        if !row.enabled {
            return Err("IDP_OFF".into());
        }
        let acting = self.acting(identity, &attempt, back.previous).await?;
        let (settings, told) = self.hear(&row, back, &asked, &state).await?;
        let claimed = claims::claimed(&told.token, told.userinfo.as_ref(), &settings)?;
        let role = settings.role(&claimed.groups);
        // A subject is a name within its issuer's people.
        let departments = departments_of(&settings.departments, &claimed.groups);
        let known = Known {
            idp_id: &row.id,
            issuer: &told.issuer,
            role,
            departments,
            claimed,
            proved_at: told.proved_at(),
            name_id: None,
            until: None,
            invitation: back.invitation,
        };
        if let Some(acting) = acting {
            return self.acted(identity, acting, known, origin).await;
        }
        let session = self.admit(identity, known, back.previous, origin).await?;
        if let Some(token) = &told.hint {
            self.remember(&session.session_id, token).await?;
        }
        Ok(Arrival::SignedIn { session, next: attempt.next })
    }

    /// Redeems what a browser brought, and checks it.
    async fn hear(
        &self,
        row: &idp::Row,
        back: &Back<'_>,
        asked: &Callback,
        state: &str,
    ) -> Result<(Settings, Told), Refused> {
        let settings = manage::settings(row).ok_or("IDP_SETTINGS")?;
        let metadata = self.providers.metadata(&self.asking(&settings)).await?;
        asked.is_from(&metadata.issuers(&settings), metadata.names_itself)?;
        let code = asked.code()?;
        let cookie = back.cookie.unwrap_or_default();
        let secret = manage::secret(&self.keys, row).map_err(|_| Refused::from("IDP_SECRET"))?;
        let form = Exchange {
            code,
            verifier: &derived("pkce", cookie, state),
            redirect: &callback(back.public_url, &row.id),
            secret: secret.as_deref(),
        };
        let preset = Preset::of(&row.kind, row.preset.as_deref());
        let told = self.ask((preset, &settings), &metadata, &form, &derived("nonce", cookie, state)).await?;
        Ok((settings, told))
    }

    /// Takes the attempt that a callback belongs to: once, by the browser and for the provider that it was
    /// begun with. A stranger's callback ends nothing: the state alone does not take it.
    async fn take(&self, back: &Back<'_>, asked: &Callback) -> Result<(String, idp::Attempt), Refused> {
        let state = asked.state.clone().filter(|state| !state.is_empty()).ok_or("STATE_MISSING")?;
        let cookie = back.cookie.ok_or("BROWSER_UNKNOWN")?;
        let mut tx = self.db.begin().await?;
        let Some(attempt) = idp::take(&mut tx, &digest(&state)).await? else {
            return Err("STATE_UNKNOWN".into());
        };
        if !equal(&hex::encode(&attempt.browser_hash), &hex::encode(digest(cookie))) {
            tx.rollback().await?;
            return Err("BROWSER_OTHER".into());
        }
        tx.commit().await?;
        if attempt.idp_id != back.idp_id {
            return Err("PROVIDER_OTHER".into());
        }
        if attempt.expires_at < self.clock.now().0 {
            return Err("STATE_EXPIRED".into());
        }
        Ok((state, attempt))
    }
}

/// What binds a browser: what it has, so that two tabs can be on their way at once, or something new.
pub(super) fn bound(cookie: Option<&str>) -> String {
    cookie.filter(|value| value.len() == 43).map_or_else(fresh, str::to_owned)
}

/// The parameters of a callback, each at most once.
#[derive(Debug, Default)]
struct Callback {
    code: Option<String>,
    state: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
}

impl Callback {
    fn read(query: &str) -> Result<Self, Refused> {
        let mut read = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let place = match name.as_ref() {
                "code" => &mut read.code,
                "state" => &mut read.state,
                "iss" => &mut read.issuer,
                "error" => &mut read.error,
                _ => continue,
            };
            if value.len() > LONGEST {
                return Err("CALLBACK_FORM".into());
            }
            if place.replace(value.into_owned()).is_some() {
                return Err("CALLBACK_TWICE".into());
            }
        }
        Ok(read)
    }

    /// RFC 9207: where the provider promises to name itself it has to, and nobody else may.
    fn is_from(&self, issuers: &[String], promised: bool) -> Result<(), Refused> {
        match &self.issuer {
            Some(named) if !issuers.contains(named) => Err("CALLBACK_ISSUER".into()),
            None if promised => Err("CALLBACK_ISSUER".into()),
            _ => Ok(()),
        }
    }

    fn code(&self) -> Result<&str, Refused> {
        match (&self.error, &self.code) {
            // What else it says is a stranger's text.
            (Some(error), _) => {
                let known = error.chars().all(|c| c.is_ascii_lowercase() || c == '_').then(|| error.clone());
                Err(Refused::Check { code: "PROVIDER_REFUSED", detail: known })
            }
            (None, Some(code)) if !code.is_empty() => Ok(code),
            _ => Err("CODE_MISSING".into()),
        }
    }
}
