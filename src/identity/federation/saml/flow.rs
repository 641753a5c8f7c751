//! The way to a SAML provider and back: a signed request; a POST that is only kept; a page that reads it.

use base64::{Engine, prelude::BASE64_STANDARD};
use url::Url;

use super::{
    acs,
    assertion::{Expected, Vouched},
    entity_id, gate,
    manage::saml_settings,
    metadata,
    request::Request,
    response,
    settings::Settings,
    slo,
};
use crate::{
    identity::{
        Identity, Origin,
        federation::{
            Federation,
            flow::{Arrival, Refused, bound},
            force::as_tried,
            manage::place,
            person::Known,
            report::Heard,
            settings::{departments_of, role_of},
            trial::{self, Purpose},
        },
        token::{digest, equal, fresh},
    },
    model::{Timestamp, time::micros},
    store::{
        idp::{self, Row},
        saml,
    },
};

/// How long a response waits for its browser, which is on its way already.
const WAITING: i64 = 2 * Timestamp::MINUTE;
/// Most responses of one provider that wait at a time.
const MOST: i64 = 1_000;

/// How a browser gets to the provider.
#[derive(Debug)]
pub enum Way {
    Redirect(Url),
    Form(Posting),
}

/// A form that the browser posts.
#[derive(Debug)]
pub struct Posting {
    pub action: Url,
    /// Name of the message's field.
    pub field: &'static str,
    /// Base64.
    pub message: String,
    /// The field `RelayState`.
    pub relay_state: Option<String>,
}

/// A sign-in on its way, and the cookie that binds the browser.
#[derive(Debug)]
pub struct Begun {
    pub way: Way,
    pub cookie: String,
}

/// What a POST brought.
#[derive(Clone, Copy, Debug)]
pub struct Brought<'a> {
    pub idp_id: &'a str,
    pub content_type: &'a str,
    pub body: &'a [u8],
}

/// A browser on the page that reads what was brought.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    pub idp_id: &'a str,
    pub public_url: &'a Url,
    /// Names the response.
    pub handle: &'a str,
    /// The cookie that [`Begun`] gave.
    pub cookie: Option<&'a str>,
    /// The session that the browser had; it ends with the new one.
    pub previous: Option<&'a str>,
    /// The link of an invitation that the browser opened.
    pub invitation: Option<&'a str>,
}

impl Federation {
    /// Sends a browser to a provider. A refusal is in the audit trail.
    pub async fn begin_saml(
        &self,
        idp_id: &str,
        next: &str,
        cookie: Option<&str>,
        public_url: &Url,
        origin: &Origin,
    ) -> Result<Begun, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let begun = self.request(idp_id, Purpose::SignIn { next }, cookie, public_url).await;
        self.note(idp_id, begun.as_ref().err(), origin).await?;
        begun
    }

    pub(in crate::identity::federation) async fn request(
        &self,
        idp_id: &str,
        purpose: Purpose<'_>,
        cookie: Option<&str>,
        public_url: &Url,
    ) -> Result<Begun, Refused> {
        let row = self.provider(idp_id, "saml").await?.filter(|row| purpose.may_use(row)).ok_or(Refused::Unknown)?;
        let row = if purpose.is_trial() { as_tried(&self.db, row).await? } else { row };
        let settings = saml_settings(&row).ok_or("IDP_SETTINGS")?;
        let key = self.own_key(&row)?;
        let (destination, redirect) = match (&settings.redirect, &settings.post) {
            (Some(address), _) => (address, true),
            (None, Some(address)) => (address, false),
            (None, None) => return Err("IDP_SETTINGS".into()),
        };
        let cookie = bound(cookie);
        let id = format!("_{}", fresh());
        let request = Request {
            id: &id,
            entity_id: &entity_id(public_url, idp_id),
            acs: &acs(public_url, idp_id),
            destination,
            force: purpose.asks_again(),
            now: self.clock.now(),
        };
        let way = request.message().way(redirect, &key).ok_or("IDP_SECRET")?;
        self.set_out(&row.id, purpose, &cookie, &id).await?;
        Ok(Begun { way, cookie })
    }

    /// The key that signs our messages to a provider.
    pub(super) fn own_key(&self, row: &Row) -> Result<Vec<u8>, Refused> {
        let sealed = row.secret.as_ref().ok_or("IDP_SECRET")?;
        Ok(self.keys.open(&place(&row.id), sealed).map_err(|_| "IDP_SECRET")?)
    }

    /// Keeps what a POST brought. Returns the handle that the browser is sent on with. A refusal is in the audit
    /// trail.
    pub async fn keep_saml(&self, brought: Brought<'_>, origin: &Origin) -> Result<String, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let kept = self.kept(&brought).await;
        self.note(brought.idp_id, kept.as_ref().err(), origin).await?;
        kept
    }

    async fn kept(&self, brought: &Brought<'_>) -> Result<String, Refused> {
        let row = self.provider(brought.idp_id, "saml").await?.ok_or(Refused::Unknown)?;
        // No cookie comes with it: whose trial it is shows when it is read.
        if !row.enabled && !idp::is_tried(&self.db, &row.id, self.clock.now()).await? {
            return Err("IDP_OFF".into());
        }
        let response = response_of(brought)?;
        let (handle, now) = (fresh(), self.clock.now());
        let mut tx = self.db.begin().await?;
        let times = (now, now.plus(WAITING));
        if !saml::keep(&mut tx, &digest(&handle), &row.id, &response, times, MOST).await? {
            return Err("RESPONSE_TOO_MANY".into());
        }
        tx.commit().await?;
        Ok(handle)
    }

    /// A response by a way that is not for responses, for the audit trail.
    pub async fn refuse_saml(&self, idp_id: &str, code: &'static str, origin: &Origin) -> Result<Refused, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let row = self.provider(idp_id, "saml").await?.ok_or(Refused::Unknown)?;
        let refused = Refused::from(code);
        self.note(&row.id, Some(&refused), origin).await?;
        Ok(refused)
    }

    /// Signs somebody in whose response was kept, or says why not. A refusal is in the audit trail.
    pub async fn finish_saml(&self, identity: &Identity, page: Page<'_>, origin: &Origin) -> Result<Arrival, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let done = self.read(identity, &page, origin).await;
        if done.is_ok() {
            // There, the POST, and its page.
            self.pace.give_back(origin.ip, 3);
        }
        self.note(page.idp_id, done.as_ref().err(), origin).await?;
        done
    }

    async fn read(&self, identity: &Identity, page: &Page<'_>, origin: &Origin) -> Result<Arrival, Refused> {
        let row = self.provider(page.idp_id, "saml").await?.ok_or(Refused::Unknown)?;
        let mut tx = self.db.begin().await?;
        let body = saml::take(&mut tx, &digest(page.handle), &row.id, self.clock.now()).await?;
        tx.commit().await?;
        let body = body.ok_or("RESPONSE_GONE")?;
        let trying = self.trying(identity, &row.id, page.previous).await?;
        if !row.enabled && trying.is_none() {
            return Err("IDP_OFF".into());
        }
        let holds = row.settings.clone();
        let row = if trying.is_some() { as_tried(&self.db, row).await? } else { row };
        let settings = saml_settings(&row).ok_or("IDP_SETTINGS")?;
        // Dear work only for a browser that asked for it.
        if page.cookie.is_none() && !settings.unsolicited {
            return Err("BROWSER_UNKNOWN".into());
        }
        let heard = async {
            let vouched = self.verify(body, &settings, self.own_keys(&row, &settings).await?, page).await?;
            // A trial says what came all the same.
            if let (Err(code), None) = (&vouched.claimed, &trying) {
                return Err(Refused::from(*code));
            }
            let attempt = self.spend(&row, &settings, &vouched, page.cookie).await?;
            Ok((vouched, attempt))
        };
        let (vouched, attempt) = match (heard.await, trying) {
            (Err(refused), Some(me)) => return self.tried(&row, &me, Err(refused), origin).await,
            (heard, _) => heard?,
        };
        if let Some(session_id) = attempt.as_ref().and_then(|attempt| attempt.trial.as_deref()) {
            let me = self.tester(identity, session_id, page.previous).await?;
            let of = attempt.as_ref().map_or(Ok(()), |attempt| trial::is_of(attempt, &row));
            let heard = of.map(|()| Heard::of_assertion(&settings, vouched));
            return self.tried(&row, &me, heard, origin).await;
        }
        // What was changed signs nobody in who came back from another errand while a trial was on its way.
        if row.settings != holds {
            return Err("TRIAL_RUNNING".into());
        }
        if !row.enabled {
            return Err("IDP_OFF".into());
        }
        let acting = match &attempt {
            Some(attempt) => self.acting(identity, attempt, page.previous).await?,
            None => None,
        };
        let Vouched { claimed, session_end, name, proved_at, .. } = vouched;
        let claimed = claimed?;
        let role = role_of(&settings.roles, settings.default_role, &claimed.groups);
        let issuer = issuer(&settings);
        let departments = departments_of(&settings.departments, &claimed.groups);
        let name_id = name.as_ref().map(|name| name.value.as_str());
        let known = Known {
            idp_id: &row.id,
            issuer: &issuer,
            role,
            departments,
            claimed,
            proved_at: Some(proved_at),
            name_id,
            until: session_end,
            invitation: page.invitation,
        };
        if let Some(acting) = acting {
            return self.acted(identity, acting, known, origin).await;
        }
        let session = self.admit(identity, known, page.previous, origin).await?;
        self.remember_name(&settings, &session.session_id, name.as_ref()).await?;
        Ok(Arrival::SignedIn { session, next: attempt.map_or_else(|| "/".to_owned(), |attempt| attempt.next) })
    }

    /// Beside the threads that answer others.
    async fn verify(
        &self,
        body: Vec<u8>,
        settings: &Settings,
        own_keys: Vec<Vec<u8>>,
        page: &Page<'_>,
    ) -> Result<Vouched, Refused> {
        let keys = settings.trusted(self.clock.now())?;
        let (audience, acs) = (entity_id(page.public_url, page.idp_id), acs(page.public_url, page.idp_id));
        let (settings, now, leeway) = (settings.clone(), self.clock.now(), micros(self.leeway));
        let work = move || {
            let expected =
                Expected { settings: &settings, keys: &own_keys, audience: &audience, acs: &acs, now, leeway };
            response::vouched(&body, &keys, &expected)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Refused::from("RESPONSE_BROKE"))?
    }

    /// Uses up the assertion and the request that it answers, both or neither. `None`: it answers none, and may.
    async fn spend(
        &self,
        row: &Row,
        settings: &Settings,
        vouched: &Vouched,
        cookie: Option<&str>,
    ) -> Result<Option<idp::Attempt>, Refused> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let assertion = digest(&vouched.assertion_id);
        if !saml::use_up(&mut tx, (&settings.entity_id, &assertion), (now, vouched.until)).await? {
            return Err("ASSERTION_AGAIN".into());
        }
        let Some(request) = &vouched.in_response_to else {
            if !settings.unsolicited {
                return Err("REQUEST_MISSING".into());
            }
            tx.commit().await?;
            return Ok(None);
        };
        let Some(attempt) = idp::take(&mut tx, &digest(request)).await? else {
            return Err("REQUEST_UNKNOWN".into());
        };
        let cookie = cookie.ok_or("BROWSER_UNKNOWN")?;
        if !equal(&hex::encode(&attempt.browser_hash), &hex::encode(digest(cookie))) {
            return Err("BROWSER_OTHER".into());
        }
        if attempt.idp_id != row.id {
            return Err("PROVIDER_OTHER".into());
        }
        if attempt.expires_at < now.0 {
            return Err("STATE_EXPIRED".into());
        }
        tx.commit().await?;
        Ok(Some(attempt))
    }

    /// Our metadata for a provider.
    pub async fn describe_saml(&self, idp_id: &str, public_url: &Url) -> Result<String, Refused> {
        let row = self.provider(idp_id, "saml").await?.ok_or(Refused::Unknown)?;
        let settings = saml_settings(&row).ok_or(Refused::Unknown)?;
        Ok(metadata::ours(
            &settings,
            &entity_id(public_url, idp_id),
            &acs(public_url, idp_id),
            &slo(public_url, idp_id),
        ))
    }
}

/// Whose names the subjects are. Apart from those of OpenID providers, which have other keys.
pub(in crate::identity::federation) fn issuer(settings: &Settings) -> String {
    format!("saml:{}", settings.entity_id)
}

/// The one response of a form.
fn response_of(brought: &Brought<'_>) -> Result<Vec<u8>, &'static str> {
    let kind = brought.content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err("RESPONSE_FORM");
    }
    let mut found = url::form_urlencoded::parse(brought.body).filter(|(name, _)| name == "SAMLResponse");
    let (Some((_, value)), None) = (found.next(), found.next()) else { return Err("RESPONSE_FORM") };
    // Lines of 76 characters are what some providers send.
    let value: String = value.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let response = BASE64_STANDARD.decode(value).map_err(|_| "RESPONSE_FORM")?;
    if response.is_empty() || response.len() > gate::LARGEST { Err("RESPONSE_SIZE") } else { Ok(response) }
}
