//! Cases about what an administrator asked for besides: a recent sign-in, and one tenant of many.

use serde_json::{Value, json};

use super::case::{Case, not_added, refused, signs_in};
use crate::issuer::{Draft, Play, Site};

const OURS: &str = "11111111-2222-4333-8444-555555555555";
const THEIRS: &str = "99999999-8888-4777-a666-555555555555";
/// As somebody copies it from a page; it is the same tenant.
const TYPED: &[&str] = &["--tenant", "11111111-2222-4333-8444-55555555555A", "--tenant", OURS];
const HOURLY: &[&str] = &["--max-age", "3600"];

pub const CASES: &[Case] = &[
    // ── A recent sign-in (max_age) ─────────────────────────────────────────────────────────────
    signs_in("max-age", "`auth_time` half an hour ago, an hour is asked for", |p| {
        aged(p, |t| t.claim("auth_time", t.now - 1_800))
    })
    .added_with(HOURLY),
    refused("max-age-old", "TOKEN_AUTH_TIME", "`auth_time` two hours ago, an hour is asked for", |p| {
        aged(p, |t| t.claim("auth_time", t.now - 7_200))
    })
    .added_with(HOURLY),
    refused("max-age-missing", "TOKEN_AUTH_TIME", "no `auth_time`, though an hour is asked for", |p| {
        aged(p, |t| t.without(&["auth_time"]))
    })
    .added_with(HOURLY),
    refused("max-age-future", "TOKEN_AUTH_TIME", "`auth_time` a day ahead", |p| {
        aged(p, |t| t.claim("auth_time", t.now + 86_400))
    })
    .added_with(HOURLY),
    refused("max-age-text", "TOKEN_CLAIMS", "`auth_time` is a text", |p| {
        aged(p, |t| t.claim("auth_time", t.now.to_string()))
    })
    .added_with(HOURLY),
    signs_in("auth-time-old", "`auth_time` a year ago, nothing is asked for", |p| {
        p.token = |t| t.claim("auth_time", t.now - 31_536_000)
    })
    .because("how long a browser stays signed in at the provider is the provider's to decide"),
    // ── One tenant of many (Entra ID) ──────────────────────────────────────────────────────────
    signs_in("tenant", "a provider with many tenants, and a person of the one that is let in", |p| {
        many(p, |t| of(t, OURS, OURS))
    })
    .added_with(TYPED),
    refused("tenant-other", "TOKEN_TENANT", "a person of another tenant", |p| many(p, |t| of(t, THEIRS, THEIRS)))
        .added_with(TYPED)
        .because("anybody can have a tenant"),
    refused("tenant-mixed", "TOKEN_ISSUER", "`tid` of our tenant, `iss` of another", |p| {
        many(p, |t| of(t, OURS, THEIRS))
    })
    .added_with(TYPED),
    refused("tenant-mixed-back", "TOKEN_TENANT", "`iss` of our tenant, `tid` of another", |p| {
        many(p, |t| of(t, THEIRS, OURS))
    })
    .added_with(TYPED),
    refused("tenant-missing", "TOKEN_TENANT", "no `tid`", |p| {
        many(p, |t| {
            of(t, OURS, OURS);
            t.without(&["tid"]);
        })
    })
    .added_with(TYPED),
    refused("tenant-template", "TOKEN_ISSUER", "`iss` is the pattern itself", |p| {
        many(p, |t| of(t, OURS, "{tenantid}"))
    })
    .added_with(TYPED),
    refused("tenant-pattern", "TOKEN_TENANT", "`tid` and `iss` are the pattern itself", |p| {
        many(p, |t| of(t, "{tenantid}", "{tenantid}"))
    })
    .added_with(TYPED),
    refused("tenant-key-other", "TOKEN_KEY_ISSUER", "signed with a key of another tenant", |p| {
        many(p, |t| of(t, OURS, OURS));
        p.jwks = |set| set[0]["issuer"] = json!("https://login.another.example");
    })
    .added_with(TYPED),
    refused("tenant-iss-back", "CALLBACK_ISSUER", "the callback names another tenant's issuer", |p| {
        many(p, |t| of(t, OURS, OURS));
        p.back = |back, site| back.push(("iss".into(), place(site, THEIRS)));
    })
    .added_with(TYPED),
    not_added("tenant-nobody", "IDP_ISSUER", "many tenants, and no `--tenant` says whose people get in", |p| {
        many(p, |t| of(t, OURS, OURS))
    }),
    not_added("tenant-one", "IDP_ISSUER", "`--tenant`, and the issuer has no place for one", |_| {}).added_with(TYPED),
    not_added("tenant-two-places", "IDP_ISSUER", "the issuer has two places for a tenant", |p| {
        p.discovery = |d, site| d["issuer"] = json!(format!("{}/{{tenantid}}", place(site, "{tenantid}")))
    })
    .added_with(TYPED),
    not_added("tenant-name", "IDP_TENANT", "`--tenant` is a domain", |p| many(p, |t| of(t, OURS, OURS)))
        .added_with(&["--tenant", "hinoki.example"])
        .because("who holds a name can change"),
];

fn aged(p: &mut Play, token: fn(&mut Draft)) {
    p.max_age = "3600";
    p.token = token;
}

/// The issuer of a tenant, where the case's own has a place for one.
fn place(site: &Site, tenant: &str) -> String {
    site.issuer.replace(&site.case, tenant)
}

fn many(p: &mut Play, token: fn(&mut Draft)) {
    p.discovery = |d: &mut Value, site| d["issuer"] = json!(place(site, "{tenantid}"));
    p.token = token;
}

fn of(t: &mut Draft, tenant: &str, issuer: &str) {
    t.claim("tid", tenant);
    t.claim("iss", place(&t.site, issuer));
}
