//! What must hold after a case: everything that does not is said, in words.

use super::{
    case::{Case, Expect, Way},
    scene::{GUARDED, LOGIN, NEXT, SESSION, Scene, Standing, Trip},
};
use crate::issuer::Visitor;

const ENDPOINTS: [&str; 5] = [".well-known/openid-configuration", "authorize", "jwks", "token", "userinfo"];

/// Refusals that come before the code is redeemed.
const UNREDEEMED: [&str; 10] = [
    "",
    "BROWSER_OTHER",
    "BROWSER_UNKNOWN",
    "CALLBACK_FORM",
    "CALLBACK_ISSUER",
    "CALLBACK_TWICE",
    "CODE_MISSING",
    "PROVIDER_REFUSED",
    "STATE_MISSING",
    "STATE_UNKNOWN",
];

/// What is not as it should be.
#[derive(Default)]
pub struct Differences(pub Vec<String>);

impl Differences {
    fn unless(&mut self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.0.push(what());
        }
    }
}

/// Plays a case; what differs from what the table says.
pub async fn play(scene: &Scene, case: &Case) -> Vec<String> {
    let mut differences = Differences::default();
    scene.issuers.plays(case.name, case.before.unwrap_or(case.play));
    match (scene.add(case.name, case.add).await, case.expect) {
        (Err(ran), Expect::NotAdded(code)) => {
            differences.unless(ran.code == 2, || format!("adding it ends with {}", ran.code));
            differences.unless(ran.err.contains(code), || format!("the terminal says {:?}", ran.err.trim()));
            differences.unless(!ran.err.contains(scene.issuers.site(case.name).secret), || "shows the secret".into());
        }
        (Err(ran), _) => differences.0.push(format!("cannot be added: {}", ran.err.trim())),
        (Ok(_), Expect::NotAdded(_)) => differences.0.push("was added".into()),
        (Ok(idp), expect) => signing_in(scene, case, &idp, expect, &mut differences).await,
    }
    let strays = scene.issuers.strays(case.name);
    differences.unless(strays.is_empty(), || format!("called the outside: {strays:?}"));
    let heard = scene.issuers.heard(case.name);
    let odd: Vec<&String> = heard.iter().filter(|endpoint| !ENDPOINTS.contains(&endpoint.as_str())).collect();
    differences.unless(odd.is_empty(), || format!("called {odd:?}"));
    differences.0.extend(scene.issuers.wrong(case.name));
    differences.0
}

async fn signing_in(scene: &Scene, case: &Case, idp: &str, expect: Expect, differences: &mut Differences) {
    if case.before.is_some() {
        let before = scene.sign_in(&Visitor::new(), idp, Way::Straight).await;
        differences.unless(before.end.status == 303, || format!("signing in before: {}", shown(&before)));
        scene.issuers.plays(case.name, case.play);
    }
    let visitor = Visitor::new();
    let (earlier, redeemed) = (scene.standing(case.name, idp).await, scene.issuers.times(case.name, "token"));
    let trip = scene.sign_in(&visitor, idp, case.way).await;
    began(scene, case, &trip, differences);
    let later = scene.standing(case.name, idp).await;
    match expect {
        Expect::In => signed_in(scene, case, idp, (&visitor, &trip), (&earlier, &later), differences).await,
        Expect::Refused(code) => {
            turned_away(scene, code, idp, &trip, differences);
            recorded(case, code, idp, &trip, (&earlier, &later), differences);
            let redeemed = scene.issuers.times(case.name, "token") - redeemed;
            let allowed = usize::from(!UNREDEEMED.contains(&code) || case.way == Way::Twice);
            differences.unless(redeemed <= allowed, || format!("redeemed the code {redeemed} times"));
        }
        Expect::NotAdded(_) => unreachable!(),
    }
    let keys = scene.issuers.times(case.name, "jwks");
    differences.unless(keys <= 2, || format!("read the keys {keys} times"));
}

/// The way to the provider is the same, however it ends.
fn began(scene: &Scene, case: &Case, trip: &Trip, differences: &mut Differences) {
    let (start, site) = (&trip.start, scene.issuers.site(case.name));
    let there = start.status == 303 && start.location().starts_with(&format!("{}/authorize?", site.issuer));
    differences.unless(there, || format!("start: {} {:?}", start.status, start.location()));
    let guarded = start.sets(LOGIN).is_some_and(|line| guards(line, LOGIN));
    differences.unless(guarded, || format!("start sets {:?}", start.headers.get_all("set-cookie")));
    differences.unless(start.sets(SESSION).is_none(), || "start opens a session".into());
}

fn guards(line: &str, name: &str) -> bool {
    let value = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
    // An attempt may end earlier than the browser.
    let value = value.and_then(|rest| rest.split_once(';')).map(|(value, rest)| (value, format!(";{rest}")));
    value.is_some_and(|(value, rest)| value.len() >= 22 && rest.starts_with(GUARDED))
}

async fn signed_in(
    scene: &Scene,
    case: &Case,
    idp: &str,
    (visitor, trip): (&Visitor, &Trip),
    (earlier, later): (&Standing, &Standing),
    differences: &mut Differences,
) {
    let end = &trip.end;
    if end.status != 303 {
        let why = later.refusals.last().map(|(detail, _)| detail.to_string()).unwrap_or_default();
        return differences.0.push(format!("not signed in: {} {why}", shown(trip)));
    }
    let there = end.location().strip_prefix(&scene.t.address()).unwrap_or(end.location());
    differences.unless(there == NEXT, || format!("leads to {there:?}"));
    let guarded = end.sets(SESSION).is_some_and(|line| guards(line, SESSION));
    differences.unless(guarded, || format!("the end sets {:?}", end.headers.get_all("set-cookie")));
    let page = visitor.get(&format!("{}{NEXT}", scene.t.address())).await;
    differences.unless(page.status == 200, || format!("the page asked for answers {}", page.status));
    let people = (later.identities, later.users, later.sessions - earlier.sessions);
    differences.unless(people == (1, 1, 1), || format!("identities, users, new sessions: {people:?}"));
    let role = scene.role(idp).await;
    differences.unless(role == "employee", || format!("has the role {role:?}"));
    differences.unless(later.refusals.is_empty(), || format!("refusals: {:?}", later.refusals));
    let redeemed = scene.issuers.times(case.name, "token");
    let trips = 1 + usize::from(case.before.is_some());
    differences.unless(redeemed == trips, || format!("redeemed {redeemed} codes"));
}

/// The page of a refusal.
fn turned_away(scene: &Scene, code: &str, idp: &str, trip: &Trip, differences: &mut Differences) {
    let end = &trip.end;
    differences.unless((400..500).contains(&end.status), || format!("answers {}", shown(trip)));
    differences.unless(end.sets(SESSION).is_none(), || "sets a session".into());
    let request = end.header("x-request-id");
    let named = !request.is_empty() && end.body.contains(request);
    differences.unless(named, || format!("the page does not say its request id {request:?}"));
    differences.unless(end.header("content-type").starts_with("text/html"), || "is no page".into());
    differences.unless(end.header("cache-control").contains("no-store"), || "may be cached".into());
    // Nothing that the other side wrote, and nothing that would help it.
    let told = url::form_urlencoded::parse(trip.callback.split_once('?').map_or("", |(_, q)| q).as_bytes());
    let secret = scene.issuers.site("").secret.to_owned();
    for text in told.map(|(_, value)| value.into_owned()).filter(|value| value.len() > 13).chain([secret]) {
        differences.unless(!end.body.contains(&text), || format!("the page shows {text:.60}"));
    }
    differences.unless(!end.body.contains("<script>document"), || "the page has a stranger's script".into());
    differences.unless(!code.is_empty() || !end.body.contains(idp), || "says more than a general page".into());
}

/// What stays of a refusal: one line in the audit trail, nothing else.
fn recorded(
    case: &Case,
    code: &str,
    idp: &str,
    trip: &Trip,
    (earlier, later): (&Standing, &Standing),
    differences: &mut Differences,
) {
    let first = i64::from(case.way == Way::Twice);
    let people = |of: &Standing| (of.identities, of.users, of.sessions);
    let (was, is) = (people(earlier), people(later));
    differences.unless(is == (was.0 + first, was.1 + first, was.2 + first), || {
        format!("identities, users, sessions: {was:?} became {is:?}")
    });
    let new = &later.refusals[earlier.refusals.len()..];
    let wanted = usize::from(!code.is_empty());
    differences.unless(new.len() == wanted, || format!("{} rows of refusal: {new:?}", new.len()));
    for (detail, request) in new {
        differences.unless(detail["code"] == code, || format!("recorded as {}", detail["code"]));
        differences.unless(detail["idp"] == idp, || format!("recorded for {}", detail["idp"]));
        differences.unless(request == trip.end.header("x-request-id"), || "recorded under another request id".into());
    }
}

fn shown(trip: &Trip) -> String {
    format!("{} {:?}", trip.end.status, trip.end.location())
}
