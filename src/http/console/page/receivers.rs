//! `/webhooks/receivers`: who is told what happens.

use axum::{
    Form, Router,
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    ShellOf, done,
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    config,
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                receiver::{ReceiverPage, ReceiverRow},
            },
        },
    },
    identity::{Action, Origin},
    model::{
        Timestamp,
        event::{CHANGES, PROBLEMS, SUBJECTS},
    },
    store::{
        event::{self, Again},
        read_event::{self, Figures},
        receiver::{self, Row},
    },
    sync::webhooks::manage::{self, Draft, Refused},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/webhooks/receivers/new", get(blank).post(create))
        .route("/webhooks/receivers/{id}", get(show).post(save))
        .route("/webhooks/receivers/{id}/pause", post(pause))
        .route("/webhooks/receivers/{id}/resume", post(resume))
        .route("/webhooks/receivers/{id}/test", post(test))
        .route("/webhooks/receivers/{id}/rotate", post(rotate))
        .route("/webhooks/receivers/{id}/replay", post(replay))
        .route("/webhooks/receivers/{id}/remove", post(remove))
}

/// A receiver with its figures, for lists and its own page.
pub fn row(r: Row, figures: &[Figures], now: Timestamp) -> ReceiverRow {
    let f = figures.iter().find(|f| f.receiver_id == r.id).cloned().unwrap_or_default();
    ReceiverRow {
        id: r.id,
        name: r.name,
        url: r.url,
        next_try: r.retry_at.filter(|at| r.state == receiver::ON && *at > now.0).map(Timestamp),
        failing_since: r.failing_since.map(Timestamp),
        state: r.state,
        waiting: f.waiting,
        delivered: f.delivered,
        dead: f.dead,
    }
}

async fn blank(frame: ShellOf) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageConnections, Section::Webhooks)?;
    let wishes = ["customer.*", "order.*", "shipment.*", "invoice.*", "payment.*"].map(str::to_owned).to_vec();
    Ok(ReceiverPage { wishes, ..ReceiverPage::default() }.render(&shell))
}

async fn find(hub: &Hub, id: &str) -> Result<Row, AppError> {
    receiver::get(&hub.db, id).await?.ok_or(AppError::NotFound)
}

async fn page(hub: &Hub, r: Row, secret: Option<String>) -> Result<ReceiverPage, AppError> {
    let now = hub.clock.now();
    let figures = read_event::figures(&hub.db, now.plus(-Timestamp::DAY)).await?;
    Ok(ReceiverPage {
        name: r.name.clone(),
        url: r.url.clone(),
        private: r.private,
        wishes: r.wishes(),
        in_order: r.in_order,
        samples: r.samples,
        secret,
        rotated_until: r.rotated_until.filter(|until| *until > now.0).map(Timestamp),
        error: None,
        row: Some(row(r, &figures, now)),
    })
}

async fn show(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageConnections, Section::Webhooks)?;
    let found = find(&hub, &id).await?;
    Ok(page(&hub, found, None).await?.render(&shell))
}

/// What was typed. Boxes that are all ticked become one wish, so that kinds to come are wanted as well.
fn read(body: &[u8]) -> Draft {
    let mut draft = Draft::default();
    for (key, value) in url::form_urlencoded::parse(body) {
        match key.as_ref() {
            "name" => draft.name = value.into_owned(),
            "url" => draft.url = value.into_owned(),
            "private" => draft.private = true,
            "in_order" => draft.in_order = true,
            "samples" => draft.samples = true,
            "wants" => draft.wants.push(value.into_owned()),
            _ => {}
        }
    }
    let whole = |subject: &str| CHANGES.iter().all(|c| draft.wants.contains(&format!("{subject}.{c}")));
    let mut wants: Vec<String> = SUBJECTS.iter().filter(|s| whole(s)).map(|s| format!("{s}.*")).collect();
    let problems = PROBLEMS.iter().all(|kind| draft.wants.iter().any(|want| want == kind));
    if problems {
        wants.push("connection.*".to_owned());
    }
    if wants.len() == SUBJECTS.len() + 1 {
        wants = vec!["*".to_owned()];
    } else {
        wants.extend(
            draft
                .wants
                .iter()
                .filter(|w| !w.split_once('.').is_some_and(|(s, _)| whole(s) || s == "connection" && problems))
                .cloned(),
        );
    }
    Draft { wants, ..draft }
}

/// The form again, with what is wrong.
fn refused(shell: &Shell, page: ReceiverPage, draft: Draft, refused: Refused) -> Result<Response, AppError> {
    let error = match refused {
        Refused::Field { field, code, .. } => Some((field.to_owned(), code.to_owned())),
        Refused::Store(error) => return Err(error.into()),
        Refused::Secret(error) => return Err(AppError::internal(error)),
    };
    let Draft { name, url, private, wants, in_order, samples } = draft;
    let again = ReceiverPage { name, url, private, wishes: wants, in_order, samples, error, ..page };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, again.render(shell)).into_response())
}

async fn check(draft: &Draft) -> Result<receiver::Wanted, Refused> {
    manage::check(draft.clone(), !config::proxy_hosts().is_empty()).await
}

async fn create(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageConnections, Section::Webhooks)?;
    let draft = read(&body);
    let wanted = match check(&draft).await {
        Ok(wanted) => wanted,
        Err(error) => return refused(&shell, ReceiverPage::default(), draft, error),
    };
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let (id, secret) = match manage::create(&mut tx, &hub.keys, &wanted, now).await {
        Ok(made) => made,
        Err(error) => return refused(&shell, ReceiverPage::default(), draft, error),
    };
    conclude(tx, Act::on(&me, &origin, "receiver.create", "receiver", &id), now).await?;
    let found = find(&hub, &id).await?;
    Ok(page(&hub, found, Some(secret)).await?.render(&shell).into_response())
}

async fn save(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageConnections, Section::Webhooks)?;
    let draft = read(&body);
    let before = page(&hub, find(&hub, &id).await?, None).await?;
    let wanted = match check(&draft).await {
        Ok(wanted) => wanted,
        Err(error) => return refused(&shell, before, draft, error),
    };
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    if let Err(error) = manage::update(&mut tx, &id, &wanted, now).await {
        return refused(&shell, before, draft, error);
    }
    conclude(tx, Act::on(&me, &origin, "receiver.change", "receiver", &id), now).await?;
    Ok(done(&format!("/webhooks/receivers/{id}"), "saved", None))
}

async fn pause(hub: State<SharedHub>, frame: ShellOf, origin: Origin, id: Path<String>) -> Result<Response, AppError> {
    set_paused(hub, frame, origin, id, true).await
}

async fn resume(hub: State<SharedHub>, frame: ShellOf, origin: Origin, id: Path<String>) -> Result<Response, AppError> {
    set_paused(hub, frame, origin, id, false).await
}

async fn set_paused(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    paused: bool,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let found = find(&hub, &id).await?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    manage::set_paused(&mut tx, &found, paused, now).await?;
    let action = if paused { "receiver.pause" } else { "receiver.resume" };
    conclude(tx, Act::on(&frame.me, &origin, action, "receiver", &id), now).await?;
    hub.engine.told.notify_one();
    let said = if paused { "receiver_paused" } else { "receiver_resumed" };
    Ok(done(&format!("/webhooks/receivers/{id}"), said, None))
}

async fn test(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let found = find(&hub, &id).await?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let event = event::test(&mut tx, &found.id, now).await?;
    conclude(tx, Act::on(&frame.me, &origin, "receiver.test", "receiver", &id), now).await?;
    hub.engine.told.notify_one();
    Ok(done(&format!("/webhooks/sent/{id}/{event}"), "tested", None))
}

async fn rotate(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageConnections, Section::Webhooks)?;
    let found = find(&hub, &id).await?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let overlap = hub.config.webhooks.overlap.micros();
    let secret = manage::rotate(&mut tx, &hub.keys, &found, overlap, now).await.map_err(AppError::internal)?;
    conclude(tx, Act::on(&me, &origin, "receiver.rotate_secret", "receiver", &id), now).await?;
    let found = find(&hub, &id).await?;
    Ok(page(&hub, found, Some(secret)).await?.render(&shell).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Which {
    since: String,
    until: String,
    customer: String,
    dead: bool,
}

/// A date and time as browsers send it, in the reader's zone.
fn instant(text: &str, shell: &Shell) -> Option<Timestamp> {
    let local: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(shell.zone.clone()).ok()?;
    Some(Timestamp(zoned.timestamp().as_microsecond()))
}

async fn replay(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    Form(which): Form<Which>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let (found, now) = (find(&hub, &id).await?, hub.clock.now());
    let since = instant(&which.since, &frame.shell);
    let chosen = match (which.dead, since, which.customer.trim()) {
        (true, ..) => Again::Dead,
        (_, Some(since), _) => {
            Again::Between(since, instant(&which.until, &frame.shell).unwrap_or(now.plus(Timestamp::SECOND)))
        }
        (_, None, "") => return Ok(done(&format!("/webhooks/receivers/{id}"), "sent_again_failed", None)),
        (_, None, customer) => Again::Customer(customer),
    };
    let mut tx = hub.db.begin().await?;
    let n = event::again(&mut tx, &found, &chosen, now).await?;
    conclude(tx, Act::on(&frame.me, &origin, "receiver.replay", "receiver", &id), now).await?;
    hub.engine.told.notify_one();
    let to = format!("/webhooks/receivers/{id}");
    Ok(if n == 0 { done(&to, "sent_again_failed", None) } else { done(&to, "sent_again", i64::try_from(n).ok()) })
}

async fn remove(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    if !receiver::remove(&mut tx, &id).await? {
        return Err(AppError::NotFound);
    }
    conclude(tx, Act::on(&frame.me, &origin, "receiver.remove", "receiver", &id), now).await?;
    Ok(done("/webhooks/sent", "receiver_removed", None))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn ticked_boxes_become_few_wishes() {
        let all = |subject: &str| format!("wants={subject}.created&wants={subject}.updated&wants={subject}.deleted");
        let draft = read(format!("name=a&{}&wants=order.created", all("customer")).as_bytes());
        assert_eq!(draft.wants, ["customer.*", "order.created"]);
        let everything: Vec<String> = crate::model::event::SUBJECTS.iter().map(|s| all(s)).collect();
        let problems: Vec<String> = crate::model::event::PROBLEMS.iter().map(|kind| format!("wants={kind}")).collect();
        assert_eq!(read(problems.join("&").as_bytes()).wants, ["connection.*"]);
        assert!(!read(everything.join("&").as_bytes()).wants.contains(&"*".to_owned()));
        assert_eq!(read([everything, problems].concat().join("&").as_bytes()).wants, ["*"]);
    }
}
