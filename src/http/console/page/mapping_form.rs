//! What every form of the mapping page brings, and what the page answers when it cannot be done.

use std::collections::HashMap;

use axum::{
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use musubi_sdk::{mapping::Mapping, noun::Noun};
use serde_json::json;

use super::{
    ShellOf, done,
    mapping::{Asked, Desk},
    mapping_view::Words,
    outcome::{Act, conclude},
};
use crate::{
    app::Hub,
    connection::mapping::{self, By, Edit, MappingError, edit},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{Page, mapping as view},
        },
    },
    identity::{Action, Origin, Principal},
    model::Timestamp,
};

/// Connection and stream.
pub type Where = Path<(String, String)>;

/// A form as it came, fields by name.
pub struct Posted(pub HashMap<String, String>);

impl Posted {
    pub fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        self.get(name).parse().ok()
    }

    pub fn revision(&self) -> i64 {
        self.get("revision").parse().unwrap_or(-1)
    }

    pub fn asked(&self) -> Asked {
        Asked { f: self.get("f").to_owned(), r: self.number("r").unwrap_or(1), ..Asked::default() }
    }
}

/// Where a form came from and who sent it.
pub struct Sent<'a> {
    pub hub: &'a Hub,
    pub shell: Shell,
    pub me: Principal,
    pub origin: Origin,
    pub desk: Desk,
    pub posted: Posted,
}

impl<'a> Sent<'a> {
    /// What every form of the page has in common.
    pub async fn open(
        hub: &'a Hub,
        frame: ShellOf,
        origin: Origin,
        Path((id, stream)): Where,
        body: &[u8],
    ) -> Result<Self, AppError> {
        let ShellOf { shell, me, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
        let desk = Desk::open(hub, &id, &stream).await?;
        Ok(Self { hub, shell, me, origin, desk, posted: Posted::read(body) })
    }

    pub fn noun(&self) -> Result<Noun, AppError> {
        Ok(self.desk.live.manifest.stream(&self.desk.stream).ok_or(AppError::NotFound)?.record)
    }

    pub fn by(&self, now: Timestamp) -> By<'_> {
        By { revision: self.posted.revision(), actor: &self.me.user_id, now }
    }

    pub fn act(&self, action: &'static str) -> Act<'_> {
        Act::on(&self.me, &self.origin, action, "connection", &self.desk.live.row.id)
    }

    pub fn at(&self, field: &str, index: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("f", field).append_pair("r", &index.to_string());
        format!("{}?{}", self.desk.address(), query.finish())
    }

    pub async fn page(&self, asked: &Asked) -> Result<view::MappingPage, AppError> {
        self.desk.page(self.hub, &self.shell, &self.me, asked).await
    }

    /// Makes changes of the draft and leads back to the field.
    pub async fn changed(
        self,
        edits: Vec<Edit>,
        field: &str,
        index: usize,
        hash: &str,
        say: bool,
    ) -> Result<Response, AppError> {
        let to = self.at(field, index);
        let hashed = |to: String| if hash.is_empty() { to } else { format!("{to}#{hash}") };
        if edits.is_empty() {
            return Ok(Redirect::to(&hashed(to)).into_response());
        }
        if let Some((code, detail)) = self.unreadable(&edits)? {
            return self.refused(code, &detail).await;
        }
        let now = self.hub.clock.now();
        let mut tx = self.hub.db.begin().await?;
        let Desk { live, stream, standing, .. } = &self.desk;
        match mapping::change(&mut tx, live, stream, standing, edits, self.by(now)).await {
            Ok(_) => {
                conclude(tx, self.act("mapping.draft").detail(json!({"stream": stream})), now).await?;
                Ok(if say { done(&to, "mapping_saved", None) } else { Redirect::to(&hashed(to)).into_response() })
            }
            Err(error) => {
                tx.rollback().await?;
                self.wrong(error).await
            }
        }
    }

    /// A change that can never be run is not kept: what was typed is said to be wrong at once. What is only
    /// not finished is kept.
    fn unreadable(&self, edits: &[Edit]) -> Result<Option<(&'static str, String)>, AppError> {
        let noun = self.noun()?;
        let (_, before) = Mapping::attempt(noun, self.desk.spec());
        let mut spec = self.desk.spec().clone();
        for edit in edits.iter().cloned() {
            if edit::apply(noun, &mut spec, edit).is_err() {
                return Ok(None);
            }
        }
        let (_, after) = Mapping::attempt(noun, &spec);
        let new = after
            .into_iter()
            .find(|p| !before.contains(p) && matches!(p.code, "MAP_PATTERN" | "MAP_VALUE" | "MAP_FORM"));
        Ok(new.map(|problem| (problem.code, problem.message)))
    }

    /// The page again with what stands in the way.
    pub async fn wrong(&self, error: MappingError) -> Result<Response, AppError> {
        match error {
            MappingError::Store(error) => Err(error.into()),
            MappingError::UnknownStream | MappingError::UnknownVersion => Err(AppError::NotFound),
            MappingError::NoDraft | MappingError::Overtaken => {
                let mut page = self.page(&self.posted.asked()).await?;
                page.overtaken = true;
                Ok((StatusCode::CONFLICT, page.render(&self.shell)).into_response())
            }
            MappingError::Unfit(unfit) => self.refused(unfit.code(), "").await,
            MappingError::Invalid(_) => self.refused("MAP_INVALID", "").await,
        }
    }

    pub async fn refused(&self, code: &str, detail: &str) -> Result<Response, AppError> {
        let adding = self.posted.get("add").to_owned();
        let mut page = self.page(&Asked { add: adding, ..self.posted.asked() }).await?;
        if let Some(panel) = &mut page.panel {
            let typed = |name: &str| self.posted.get(name).to_owned();
            panel.typed = view::Typed {
                table: typed("table"),
                pattern: typed("pattern"),
                with: typed("with"),
                separator: typed("separator"),
                index: typed("index"),
            };
        }
        page.error = Some(Words::said(&self.shell, code, detail));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page.render(&self.shell)).into_response())
    }
}
