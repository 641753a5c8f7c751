//! Every key of a stream, in the order of ids: for finding out what was deleted, which Tryton does not say.

use musubi_sdk::{Page, PageToken, PullRequest, Record, SourceError};
use serde_json::{Value, json};

use crate::{
    Tryton,
    domain::{all, is},
    rest::Question,
};

/// Ids only: a thousand of them are a small answer.
const SIZE: u32 = 1_000;

impl Tryton {
    pub(crate) async fn keys(&self, request: PullRequest<'_>) -> Result<Page, SourceError> {
        let plan = self.plan(request.stream).await?;
        let after = request.token.and_then(|token| token.0.as_i64());
        let mut conditions = self.domain(&plan);
        let total = match after {
            Some(_) => None,
            None => self.rest.count(plan.source.model, &all(conditions.clone())).await?,
        };
        conditions.extend(after.map(|id| is("id", ">", id)));
        let size = request.page_size.unwrap_or(SIZE).clamp(1, SIZE);
        let question = Question {
            model: plan.source.model,
            fields: vec!["id".to_owned()],
            domain: all(conditions),
            order: json!([["id", "ASC"]]),
            size: Some(size),
        };
        let listing = self.rest.list(&question, size > 1).await?;
        let ids: Vec<i64> = listing.rows.iter().filter_map(|row| row["id"].as_i64()).collect();
        let last = ids.last().copied();
        // A list that does not go on would never end.
        if after.is_some() && last.is_some() && last <= after {
            let detail = format!("Tryton answered {} in another order than asked for", plan.source.model);
            return Err(SourceError::Malformed { code: "SRC_NO_PROGRESS", detail });
        }
        let next = last.filter(|_| listing.more).map(|id| PageToken(id.into()));
        let record = |id: i64| Record { external_id: id.to_string(), version: None, body: Value::Null, deleted: false };
        Ok(Page { records: ids.into_iter().map(record).collect(), next, cursor: None, total })
    }
}
