//! The audit trail as a file: what the page's filter picks, newest first, read in pages while it is sent.

use std::collections::VecDeque;

use axum::{
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use futures::stream;

use super::{
    ShellOf,
    audit::{ListQuery, Narrowed},
};
use crate::{
    app::SharedHub,
    http::AppError,
    identity::{
        Action, AuditEntry, Origin, Outcome,
        audit::{self, file::Format},
    },
    store::{self, StoreError},
};

/// Entries read at once.
const PAGE: i64 = 1_000;

pub async fn file(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(kind): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    frame.me.require(Action::ViewAudit)?;
    let format = Format::parse(&kind).ok_or(AppError::NotFound)?;
    // Back to the list: a file does not begin by itself on the page after the proof.
    frame.fresh(&hub, &format!("/admin/audit?{}", frame.query))?;
    let narrowed = Narrowed::read(&hub, query, &frame.shell.zone).await?;
    let entry = AuditEntry {
        actor: &frame.me.user_id,
        action: "audit.export",
        object_kind: "audit",
        object_id: "",
        outcome: Outcome::Ok,
        origin: &origin,
        detail: serde_json::json!({"format": kind, "narrowed": narrowed.narrows()}),
    };
    // Before the file begins: who has the file stands in the trail.
    audit::record_alone(&hub.db, entry, hub.clock.now()).await?;
    let day = frame.shell.today();
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"musubi-audit-{day}.{kind}\"")),
    ];
    Ok((headers, Body::from_stream(pieces(hub, narrowed, format))).into_response())
}

/// What is left to send.
struct Sending {
    hub: SharedHub,
    narrowed: Narrowed,
    format: Format,
    last: Option<String>,
    ready: VecDeque<Bytes>,
    ended: bool,
    first: bool,
}

fn pieces(
    hub: SharedHub,
    narrowed: Narrowed,
    format: Format,
) -> impl futures::Stream<Item = Result<Bytes, StoreError>> {
    let ready = VecDeque::from([Bytes::from(format.head())]);
    let sending = Sending { hub, narrowed, format, last: None, ready, ended: false, first: true };
    stream::try_unfold(sending, |mut sending| async move {
        if sending.ready.is_empty() && !sending.ended {
            sending.read().await?;
        }
        Ok(sending.ready.pop_front().map(|bytes| (bytes, sending)))
    })
}

impl Sending {
    async fn read(&mut self) -> Result<(), StoreError> {
        let filter = self.narrowed.filter(self.last.as_deref());
        let rows = store::audit::list(&self.hub.db, &filter, PAGE).await?;
        let mut text = String::new();
        for row in &rows {
            text.push_str(&self.format.line(row, self.first));
            self.first = false;
        }
        self.ended = (rows.len() as i64) < PAGE;
        self.last = rows.last().map(|row| row.id.clone());
        if self.ended {
            text.push_str(self.format.tail());
        }
        self.ready.push_back(Bytes::from(text));
        Ok(())
    }
}
