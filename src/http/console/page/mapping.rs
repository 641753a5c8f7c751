//! `/connections/{id}/mapping/{stream}`: how a source's records become the hub's, looked at with real ones.

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use musubi_sdk::{
    manifest::MappingSpec,
    mapping::{Mapping, discover},
};
use serde::Deserialize;
use serde_json::Value;

use super::{ShellOf, connection::pulls, mapping_edit, mapping_publish, mapping_sample, mapping_view as show};
use crate::{
    app::{Hub, SharedHub},
    connection::{
        Live,
        mapping::{self, Drafted, MappingError, OF_CONNECTOR, Standing, differ},
    },
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                mapping::{Draft, MappingPage, Tally, Unused, Verdict, Version, View},
            },
        },
    },
    identity::{Action, Principal},
    model::Timestamp,
    store::{self, StoreError, mapping::Sample},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/connections/{id}/mapping", get(first))
        .route("/connections/{id}/mapping/{stream}", get(page).post(mapping_edit::table))
        .route("/connections/{id}/mapping/{stream}/field", post(mapping_edit::field))
        .route("/connections/{id}/mapping/{stream}/sample", post(mapping_sample::sample))
        .route("/connections/{id}/mapping/{stream}/rehearse", post(mapping_sample::rehearse))
        .route("/connections/{id}/mapping/{stream}/publish", post(mapping_publish::publish))
        .route("/connections/{id}/mapping/{stream}/discard", post(mapping_publish::discard))
        .route("/connections/{id}/mapping/{stream}/restore", post(mapping_publish::restore))
}

/// Records that the page looks at.
pub const SHOWN: usize = 20;
/// Findings listed.
const FINDINGS: usize = 10;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    /// The hub's field that is looked at.
    pub f: String,
    /// The record in the preview, from 1.
    pub r: usize,
    /// A step that is being added.
    pub add: String,
    pub view: String,
}

async fn first(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Response, AppError> {
    frame.me.require(Action::ManageConnections)?;
    let live = hub.registry.get(&id).ok_or(AppError::NotFound)?;
    let stream = live.manifest.streams.keys().next().ok_or(AppError::NotFound)?;
    Ok(Redirect::to(&format!("/connections/{id}/mapping/{stream}")).into_response())
}

async fn page(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path((id, stream)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let desk = Desk::open(&hub, &id, &stream).await?;
    Ok(desk.page(&hub, &shell, &me, &asked).await?.render(&shell))
}

/// A stream's mapping with everything that is known about it.
pub struct Desk {
    pub live: std::sync::Arc<Live>,
    pub stream: String,
    pub standing: Standing,
    pub draft: Option<Drafted>,
    pub sample: Vec<Sample>,
}

impl Desk {
    pub async fn open(hub: &Hub, id: &str, stream: &str) -> Result<Self, AppError> {
        let live = hub.registry.get(id).ok_or(AppError::NotFound)?;
        let standing = mapping::standing(&hub.db, &live, stream).await.map_err(|error| match error {
            MappingError::Store(error) => AppError::from(error),
            _ => AppError::NotFound,
        })?;
        Ok(Self {
            standing,
            draft: mapping::drafted(&hub.db, id, stream).await?,
            sample: store::mapping::sample(&hub.db, id, stream).await?,
            stream: stream.to_owned(),
            live,
        })
    }

    /// What is shown: the draft, or what holds.
    pub fn spec(&self) -> &MappingSpec {
        self.draft.as_ref().map_or(&self.standing.spec, |draft| &draft.spec)
    }

    pub fn address(&self) -> String {
        format!("/connections/{}/mapping/{}", self.live.row.id, self.stream)
    }

    pub async fn page(&self, hub: &Hub, shell: &Shell, me: &Principal, asked: &Asked) -> Result<MappingPage, AppError> {
        let stream = self.live.manifest.stream(&self.stream).ok_or(AppError::NotFound)?;
        let noun = stream.record;
        let custom = store::custom_field::list(&hub.db).await?;
        let words = show::Words { shell, noun, custom: &custom };
        let (mapping, problems) = Mapping::attempt(noun, self.spec());
        let (before, _) = Mapping::attempt(noun, &self.standing.spec);
        let bodies: Vec<Value> =
            self.sample.iter().take(SHOWN).filter_map(|s| serde_json::from_str(&s.body).ok()).collect();
        let places = discover(&bodies);
        let tallies = mapping.tally(&bodies);
        let counts: Vec<(String, Tally)> = tallies
            .into_iter()
            .map(|(name, t)| (name, Tally { filled: t.filled, empty: t.empty, bad: t.bad }))
            .filter(|(_, t)| t.total() > 0)
            .collect();
        let veiled = me.view.hides_any();
        let index = asked.r.clamp(1, bodies.len().max(1));
        let differences = differ::between(&self.standing.spec, self.spec());
        let rows = words.rows(self.spec(), &places, &counts, &asked.f, &differences, veiled);
        let found = show::findings(&words, &self.sample, &bodies, &mapping, FINDINGS, veiled);
        let good = bodies.iter().filter(|body| mapping.apply(body).is_ok()).count();
        let complete = problems.is_empty();
        let preview = bodies.get(index - 1).map(|body| {
            let sample = &self.sample[index - 1];
            words.preview((index, bodies.len()), sample, body, (&mapping, &before), complete, veiled)
        });
        let own = store::mapping::versions(&hub.db, &self.live.row.id, &self.stream).await?;
        Ok(MappingPage {
            id: self.live.row.id.clone(),
            name: self.live.row.name.clone(),
            kind: self.live.row.kind.clone(),
            stream: self.stream.clone(),
            streams: self.streams(hub).await?,
            version: self.standing.version,
            published: published(hub, own.first()).await?,
            draft: self.drafted(hub).await?,
            next_version: self.live.row.mapping_version + 1,
            unused: unused(&places, self.spec(), veiled),
            problems: problems.into_iter().map(|p| words.problem(&p)).collect(),
            verdict: (!bodies.is_empty()).then_some(Verdict { total: bodies.len(), good }),
            panel: words.panel(self.spec(), &mapping, bodies.get(index - 1), asked.f.as_str(), &asked.add, veiled),
            found,
            preview,
            rows,
            pulls: pulls(&self.live.manifest) && stream.is_pulled(),
            differences: differences.iter().map(|d| words.difference(d)).collect(),
            view: View::parse(&asked.view),
            versions: if View::parse(&asked.view) == View::Versions {
                self.versions(hub, own).await?
            } else {
                Vec::new()
            },
            open_failures: store::failure::open_of_stream(&hub.db, &self.live.row.id, &self.stream).await?,
            command: format!("musubi connection mapping {} {}", self.live.row.id, self.stream),
            ..MappingPage::default()
        })
    }

    async fn streams(&self, hub: &Hub) -> Result<Vec<(String, bool)>, StoreError> {
        let drafts = store::mapping::drafts(&hub.db, &self.live.row.id).await?;
        let drafted = |name: &String| drafts.iter().any(|draft| draft.stream == *name);
        Ok(self.live.manifest.streams.keys().map(|name| (name.clone(), drafted(name))).collect())
    }

    async fn drafted(&self, hub: &Hub) -> Result<Option<Draft>, StoreError> {
        let Some(draft) = &self.draft else { return Ok(None) };
        Ok(Some(Draft {
            who: store::user::name(&hub.db, &draft.row.actor).await?,
            at: Timestamp(draft.row.updated_at),
            revision: draft.row.revision,
        }))
    }

    /// Every version of the stream, the newest first, the connector's own last.
    async fn versions(&self, hub: &Hub, own: Vec<store::mapping::Published>) -> Result<Vec<Version>, AppError> {
        let connector = hub.registry.catalogue().get(&self.live.row.connector).ok_or(AppError::NotFound)?;
        let mut before = connector.stream(&self.stream).map(|s| s.mapping.clone()).unwrap_or_default();
        let mut out = vec![Version {
            version: OF_CONNECTOR,
            who: None,
            at: None,
            comment: None,
            changed: 0,
            holds: own.is_empty(),
        }];
        let newest = own.first().map(|own| own.version);
        for row in own.into_iter().rev() {
            let spec: MappingSpec = serde_json::from_str(&row.spec).unwrap_or_default();
            out.push(Version {
                version: row.version,
                who: Some(show::actor(hub, &row.actor).await?),
                at: Some(Timestamp(row.published_at)),
                comment: row.comment,
                changed: differ::between(&before, &spec).len(),
                holds: Some(row.version) == newest,
            });
            before = spec;
        }
        out.reverse();
        Ok(out)
    }
}

async fn published(
    hub: &Hub,
    newest: Option<&store::mapping::Published>,
) -> Result<Option<(String, Timestamp)>, StoreError> {
    let Some(newest) = newest else { return Ok(None) };
    Ok(Some((show::actor(hub, &newest.actor).await?, Timestamp(newest.published_at))))
}

/// Places that no field reads, with what stands there.
fn unused(places: &[musubi_sdk::mapping::Found], spec: &MappingSpec, veiled: bool) -> Vec<Unused> {
    let mut read: Vec<(Option<&str>, &str)> = Vec::new();
    for field in spec.0.values() {
        read.extend(field.paths().map(|path| (None, path)));
        if let Some(list) = field.each.as_deref() {
            read.push((None, list));
            let inside = field.fields.iter().flat_map(|fields| fields.0.values());
            read.extend(inside.flat_map(|field| field.paths().map(move |path| (Some(list), path))));
            read.extend(field.item.as_deref().map(|item| (Some(list), item)));
        }
    }
    places
        .iter()
        .filter(|place| place.filled > 0 && !read.contains(&(place.list.as_deref(), place.path.as_str())))
        .map(|place| Unused {
            path: place.list.as_ref().map_or_else(|| place.path.clone(), |list| format!("{list}[].{}", place.path)),
            example: if veiled { String::new() } else { place.example.clone() },
        })
        .collect()
}
