//! The connection check: what a sync would do, without its effects, one line per question.

use super::HttpConnector;
use crate::{
    connector::{CheckItem, Connector, PullRequest, SourceError},
    mapping::{Path, plain_text},
};

impl HttpConnector {
    pub(super) async fn probe(&self) -> Vec<CheckItem> {
        let mut items = Vec::new();
        if self.caller.is_none() {
            items.push(good("reach", "only receives: nothing to reach".to_owned()));
            return items;
        }
        let mut version = None;
        let declared = match &self.manifest.check {
            Some(check) => Some(self.ask(check, &mut version).await),
            None => None,
        };
        let mut rights = Vec::new();
        let mut first = None;
        // A source that cannot be reached once is not asked once per stream.
        if declared.as_ref().is_none_or(Result::is_ok) {
            for (name, stream) in &self.manifest.streams {
                if !stream.is_pulled() {
                    continue;
                }
                let request = PullRequest { stream: name, cursor: None, token: None, page_size: Some(1) };
                let outcome = self.pull(request).await.map(|page| page.total);
                first = first.or_else(|| Some(outcome.as_ref().map(|_| ()).map_err(summary)));
                rights.push((name.as_str(), outcome));
            }
        }
        let reached = match &declared {
            Some(outcome) => outcome.as_ref().copied().map_err(summary),
            None => first.unwrap_or(Ok(())),
        };
        items.extend(reach_and_auth(&reached));
        if reached.is_err() && rights.is_empty() {
            return items;
        }
        items.push(rights_item(&rights));
        if let Some(version) = version {
            items.push(good("version", version));
        }
        for (name, outcome) in &rights {
            if let Ok(Some(total)) = outcome {
                items.push(good(&format!("count:{name}"), total.to_string()));
            }
        }
        items
    }

    async fn ask(&self, check: &crate::manifest::CheckSpec, version: &mut Option<String>) -> Result<(), SourceError> {
        let url = self.address(&check.request, &[])?;
        let answer = self.send(url, false).await?;
        let body = self.caller()?.json(&answer, false)?;
        let found = check.version.as_deref().and_then(|path| Path::parse(path).find(&body).and_then(plain_text));
        // Shown to people as it is, so only what looks like a version.
        *version = found.filter(|text| text.len() <= 80 && !text.chars().any(char::is_control)).map(Into::into);
        Ok(())
    }
}

type Outcome<'a> = (&'a str, Result<Option<u64>, SourceError>);

struct Summary {
    code: String,
    detail: String,
    /// The source answered, whatever it said.
    answered: bool,
    auth: bool,
}

fn summary(error: &SourceError) -> Summary {
    let answered = !matches!(
        error,
        SourceError::Transient { code: "SRC_UNREACHABLE" | "SRC_TIMEOUT", .. } | SourceError::Config { .. }
    );
    Summary {
        code: error.code().to_owned(),
        detail: error.to_string(),
        answered,
        auth: matches!(error, SourceError::Auth { .. }),
    }
}

fn reach_and_auth(outcome: &Result<(), Summary>) -> Vec<CheckItem> {
    match outcome {
        Ok(()) => vec![good("reach", "the source answers".to_owned()), good("auth", "accepted".to_owned())],
        Err(why) if why.auth => {
            vec![good("reach", "the source answers".to_owned()), bad("auth", &why.code, &why.detail)]
        }
        Err(why) if why.answered => vec![bad("reach", &why.code, &why.detail)],
        Err(why) => vec![bad("reach", &why.code, &why.detail)],
    }
}

/// One line for all streams; the first that is refused is named.
fn rights_item(rights: &[Outcome<'_>]) -> CheckItem {
    let refused = rights.iter().find_map(|(name, outcome)| Some((name, outcome.as_ref().err()?)));
    match refused {
        None => good("rights", format!("{} streams readable", rights.len())),
        Some((name, error)) => bad("rights", error.code(), &format!("{name}: {error}")),
    }
}

fn good(item: &str, detail: String) -> CheckItem {
    CheckItem { item: item.to_owned(), ok: true, code: None, detail }
}

fn bad(item: &str, code: &str, detail: &str) -> CheckItem {
    CheckItem { item: item.to_owned(), ok: false, code: Some(code.to_owned()), detail: detail.to_owned() }
}
