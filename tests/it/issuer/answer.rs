//! The endpoints of an invented provider.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    Grant, Issuers, Seat,
    draft::{Draft, Site, parts},
    keys::{b64, keys, sha256, unb64},
    play::{Answer, Auth, Pairs},
};

const MEBIBYTE: usize = 1 << 20;
const HUGE: usize = 32;
const MEMBER_GROUPS: &str = "v1.0/me/getMemberGroups";

pub async fn answer(issuers: Issuers, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, MEBIBYTE).await.unwrap().to_vec()).unwrap();
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let (case, endpoint) = path.split_once('/').unwrap_or((&path, ""));
    let site = issuers.site(case);
    let now = issuers.clock.now().0 / musubi::model::Timestamp::SECOND;
    let asked = Asked { parts, body, now };
    issuers.seat(case, |seat| seat.heard.push(endpoint.to_owned()));
    let (right, how) = issuers.seat(case, |seat| match endpoint {
        ".well-known/openid-configuration" => (discovery(seat, &site), seat.play.discovery_answer),
        "jwks" => (jwks(seat), seat.play.jwks_answer),
        "token" => asked.token(seat, &site).map_or_else(refusal, |body| (body, seat.play.token_answer)),
        MEMBER_GROUPS => asked.member_groups(seat).map_or_else(refusal, |body| (body, seat.play.member_groups_answer)),
        "userinfo" | "oidc/userinfo" => {
            asked.userinfo(seat, &site).map_or_else(refusal, |body| (body, seat.play.userinfo_answer))
        }
        "authorize" => (json!(asked.authorize(seat, &site)), Answer::Json),
        _ => (Value::Null, Answer::Page(404)),
    });
    if endpoint == "authorize" {
        return (axum::http::StatusCode::FOUND, [(header::LOCATION, right.as_str().unwrap().to_owned())])
            .into_response();
    }
    send(right.to_string(), how, &site, endpoint).await
}

fn refusal(code: &'static str) -> (Value, Answer) {
    (Value::Null, Answer::Error(if code == "invalid_client" { 401 } else { 400 }, code))
}

fn discovery(seat: &Seat, site: &Site) -> Value {
    let at = |endpoint: &str| format!("{}/{endpoint}", site.issuer);
    let mut document = json!({
        "issuer": site.issuer, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"), "jwks_uri": at("jwks"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "scopes_supported": ["openid", "email", "profile", "groups"],
        "id_token_signing_alg_values_supported": ["RS256", "RS512", "PS256", "ES256", "EdDSA", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
    });
    (seat.play.discovery)(&mut document, site);
    document
}

fn jwks(seat: &Seat) -> Value {
    let mut published = vec![keys().main.jwk()];
    (seat.play.jwks)(&mut published);
    json!({ "keys": published })
}

struct Asked {
    parts: Parts,
    body: String,
    /// Seconds since 1970.
    now: i64,
}

impl Asked {
    /// Signs whoever comes in, and says where the browser goes then.
    fn authorize(&self, seat: &mut Seat, site: &Site) -> String {
        let query = self.parts.uri.query().unwrap_or_default();
        let asked: HashMap<String, String> = pairs(query).into_iter().collect();
        let said = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let mut expect = |what: &str, right: bool| {
            if !right {
                seat.wrong.push(format!("authorize: {what} in {query}"));
            }
        };
        expect("a parameter twice", asked.len() == pairs(query).len());
        expect("response_type", said("response_type") == "code");
        expect("client_id", said("client_id") == site.client);
        expect("scope", said("scope").split(' ').any(|scope| scope == "openid"));
        expect("code_challenge_method", said("code_challenge_method") == "S256");
        expect("code_challenge", said("code_challenge").len() == 43);
        expect("state", said("state").len() >= 22);
        expect("nonce", said("nonce").len() >= 22 && said("nonce") != said("state"));
        expect("response_mode", matches!(said("response_mode").as_str(), "" | "query"));
        expect("max_age", said("max_age") == seat.play.max_age);
        let grant =
            Grant { redirect_uri: said("redirect_uri"), nonce: said("nonce"), challenge: said("code_challenge") };
        let code = random();
        let mut back = vec![("code".to_owned(), code.clone()), ("state".to_owned(), said("state"))];
        seat.grants.insert(code, grant);
        (seat.play.back)(&mut back, site);
        let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish();
        format!("{}?{query}", said("redirect_uri"))
    }

    fn token(&self, seat: &mut Seat, site: &Site) -> Result<Value, &'static str> {
        let form: HashMap<String, String> = pairs(&self.body).into_iter().collect();
        let said = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        self.client(seat, site, &form)?;
        let grant = seat.grants.get(said("code")).cloned().unwrap_or_default();
        let mut expect = |what: &str, right: bool| {
            if !right {
                seat.wrong.push(format!("token: {what}"));
            }
            right
        };
        let right = expect("grant_type", said("grant_type") == "authorization_code")
            & expect("an unknown code", !grant.challenge.is_empty())
            & expect("redirect_uri", said("redirect_uri") == grant.redirect_uri)
            & expect("code_verifier", sha256(said("code_verifier")) == grant.challenge)
            & expect("a query", self.parts.uri.query().is_none());
        if !right {
            return Err("invalid_grant");
        }
        let access_token = random();
        let site = seat.person(site, seat.tokens.len());
        seat.tokens.push(access_token.clone());
        let mut draft = Draft::honest(site, self.now, &grant.nonce, access_token.clone(), said("code").to_owned());
        if seat.play.lean {
            draft.without(&["name", "email", "email_verified", "groups"]);
        }
        (seat.play.token)(&mut draft);
        let mut body = json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 600});
        body["id_token"] = json!(draft.compact());
        (seat.play.token_body)(&mut body);
        Ok(body)
    }

    /// The client says who it is in the agreed way and in no other.
    fn client(&self, seat: &mut Seat, site: &Site, form: &HashMap<String, String>) -> Result<(), &'static str> {
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", site.client, site.secret)));
        let header = text(&self.parts.headers, "authorization");
        let told = (form.get("client_id").map(String::as_str), form.get("client_secret").map(String::as_str));
        let right = match seat.play.auth {
            Auth::Basic => header == basic && told.1.is_none(),
            Auth::Post => header.is_empty() && told == (Some(site.client), Some(site.secret)),
            Auth::Key => header.is_empty() && told == (Some(site.client), None) && self.proof(seat, site, form),
            Auth::Public => header.is_empty() && told == (Some(site.client), None),
        };
        if right {
            return Ok(());
        }
        seat.wrong.push(format!("token: the client does not say who it is by {:?}", seat.play.auth));
        Err("invalid_client")
    }

    /// What RFC 7523 section 3 wants of it, but for the signature.
    fn proof(&self, seat: &mut Seat, site: &Site, form: &HashMap<String, String>) -> bool {
        let said = |name: &str| form.get(name).cloned().unwrap_or_default();
        let proof = said("client_assertion");
        let read = |part: usize| -> Value { serde_json::from_slice(&unb64(&parts(&proof)[part])).unwrap() };
        let (header, claims) = (read(0), read(1));
        let id = |proof: &String| serde_json::from_slice::<Value>(&unb64(&parts(proof)[1])).unwrap()["jti"].clone();
        let new = claims["jti"].as_str().is_some_and(|jti| jti.len() >= 22)
            && seat.proofs.iter().all(|earlier| id(earlier) != claims["jti"]);
        let (made, ends) = (claims["iat"].as_i64().unwrap_or(0), claims["exp"].as_i64().unwrap_or(0));
        seat.proofs.push(proof);
        new && header["alg"] == "ES256"
            && said("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            && claims["iss"] == site.client
            && claims["sub"] == site.client
            && claims["aud"] == format!("{}/token", site.issuer)
            && (self.now - 5..=self.now + 5).contains(&made)
            && (self.now..=self.now + 300).contains(&ends)
    }

    /// Which of the access tokens that were given out was sent.
    fn bears_token(&self, seat: &mut Seat) -> Result<usize, &'static str> {
        let header = text(&self.parts.headers, "authorization");
        let token = header.strip_prefix("Bearer ").unwrap_or_default();
        seat.tokens.iter().rposition(|ours| ours == token).ok_or_else(|| {
            seat.wrong.push("userinfo: an unknown access token".to_owned());
            "invalid_token"
        })
    }

    fn member_groups(&self, seat: &mut Seat) -> Result<Value, &'static str> {
        self.bears_token(seat)?;
        let asked: Value = serde_json::from_str(&self.body).unwrap_or_default();
        if self.parts.method != "POST" || asked != json!({"securityEnabledOnly": true}) {
            seat.wrong.push(format!("groups: {} {}", self.parts.method, self.body));
        }
        let mut groups = json!({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Collection(Edm.String)",
            "value": []});
        (seat.play.member_groups)(&mut groups);
        Ok(groups)
    }

    fn userinfo(&self, seat: &mut Seat, site: &Site) -> Result<Value, &'static str> {
        let n = self.bears_token(seat)?;
        let site = seat.person(site, n);
        let mut claims = json!({
            "sub": site.subject(), "name": "架空 花子", "email": site.mail(), "email_verified": true, "groups": ["staff"],
        });
        (seat.play.userinfo)(&mut claims);
        Ok(claims)
    }
}

async fn send(right: String, how: Answer, site: &Site, endpoint: &str) -> Response {
    let json = |status: u16, body: Body| typed(status, "application/json", body);
    match how {
        Answer::Json => json(200, right.into()),
        Answer::Charset => typed(200, "application/json; charset=utf-8", right.into()),
        Answer::Page(status) => typed(status, "text/html", "<!doctype html><title>見本</title><h1>Hello</h1>".into()),
        Answer::Error(status, code) => json(status, json!({ "error": code }).to_string().into()),
        Answer::Cut => json(200, right[..right.len() / 2].to_owned().into()),
        Answer::Elsewhere(status) => {
            let place = [(header::LOCATION, format!("{}/{endpoint}", site.outside))];
            (axum::http::StatusCode::from_u16(status).unwrap(), place).into_response()
        }
        Answer::Huge => {
            let blanks = stream::iter(0..HUGE).map(|_| " ".repeat(MEBIBYTE)).chain(stream::iter([right]));
            json(200, Body::from_stream(blanks.map(Ok::<_, Infallible>)))
        }
        Answer::Silence => std::future::pending().await,
        Answer::Drip => {
            let drops = stream::iter(right.into_bytes()).then(|byte| async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok::<_, Infallible>(vec![byte])
            });
            json(200, Body::from_stream(drops))
        }
        Answer::Deep => {
            let deep =
                format!("{},\"more\":{}{}}}", &right[..right.len() - 1], "[".repeat(100_000), "]".repeat(100_000));
            json(200, deep.into())
        }
    }
}

fn typed(status: u16, kind: &str, body: Body) -> Response {
    Response::builder().status(status).header(header::CONTENT_TYPE, kind).body(body).unwrap()
}

fn pairs(text: &str) -> Pairs {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn random() -> String {
    b64(&rand::random::<[u8; 16]>())
}
