//! `musubi idp add --saml-metadata …`, `musubi idp metadata`: providers by SAML.

use std::io::Read;

use serde_json::json;
use url::Url;

use super::{
    CliError, CliResult, Context, Outcome, cells,
    idp::{AddArgs, departments, federation, find, roles},
    installation::Installation,
};
use crate::identity::federation::saml::{
    Stage, Step, acs, ends, entity_id, fingerprint,
    manage::{Draft, Source, saml_settings},
};

/// Most bytes of a document that is read here; what is in it is judged later.
const LARGEST: u64 = 2 * 1024 * 1024;

fn source(named: &str) -> Result<Source, CliError> {
    if named.starts_with("https://") || named.starts_with("http://") {
        return Ok(Source::Url(named.to_owned()));
    }
    let broken = |e: std::io::Error| CliError::Usage(format!("{named}: {e}"));
    let mut bytes = Vec::new();
    if named == "-" {
        std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes).map_err(broken)?;
    } else {
        std::fs::File::open(named).map_err(broken)?.take(LARGEST).read_to_end(&mut bytes).map_err(broken)?;
    }
    Ok(Source::Document(bytes))
}

pub(super) async fn add(context: &Context, args: AddArgs) -> CliResult {
    let here = Installation::open(context).await?;
    let public: Url = context.config.server.public_url.parse().map_err(anyhow::Error::from)?;
    let draft = Draft {
        metadata: source(args.saml_metadata.as_deref().unwrap_or_default())?,
        roles: roles(&args.roles)?,
        default_role: args.default_role()?,
        departments: departments(&args.departments)?,
        name: args.name,
        subject_attribute: args.subject_attribute,
        groups_attribute: args.groups_claim,
        unsolicited: args.idp_initiated,
        response_signed: args.response_signature,
        private: args.private,
    };
    let federation = federation(&here, &context.config)?;
    let checked = federation.check_saml(draft).await?;
    let mut tx = here.begin().await?;
    let id = federation.create_saml(&mut tx, &checked, here.now()).await?;
    here.record(&mut tx, "idp.create", ("idp", &id)).await?;
    tx.commit().await?;
    let (metadata, acs) = (entity_id(&public, &id), acs(&public, &id));
    let prints: Vec<String> = checked.settings.certificates.iter().map(|text| fingerprint(text)).collect();
    let document = json!({
        "id": id, "name": checked.name, "entity_id": checked.settings.entity_id, "metadata": metadata,
        "callback": acs, "certificates": prints,
    });
    context.output.result(&document, &id);
    context.output.note(&format!("{} signs with the certificate (SHA-256)", checked.settings.entity_id));
    prints.iter().for_each(|print| context.output.note(&format!("  {print}")));
    context.output.note("Compare it with what the provider's own pages show.");
    context.output.note(&format!("Give the provider our metadata: {metadata}"));
    context.output.note(&format!("or by hand: entity id {metadata}, answers by HTTP-POST to {acs}"));
    Ok(Outcome::Done)
}

pub(super) async fn refresh(context: &Context, named: &str, from: Option<&str>) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, named).await?;
    let source = from.map(source).transpose()?;
    let refreshed = federation(&here, &context.config)?.refresh_saml(&row, source).await?;
    let mut tx = here.begin().await?;
    if !refreshed.store(&mut tx, &row.id, here.now()).await? {
        return Err(changed(&row.name));
    }
    let prints = |some: &[String]| some.iter().map(|text| fingerprint(text)).collect::<Vec<_>>();
    let (come, go) = (prints(&refreshed.come), prints(&refreshed.go));
    let detail = json!({"come": come, "gone": go});
    here.record_detail(&mut tx, "idp.refresh", ("idp", &row.id), detail).await?;
    tx.commit().await?;
    let text = match (come.len(), go.len()) {
        (0, 0) => "The keys are the same.".to_owned(),
        (new, old) => format!("{new} new, {old} gone."),
    };
    come.iter().for_each(|print| context.output.note(&format!("new   {print}")));
    go.iter().for_each(|print| context.output.note(&format!("gone  {print}")));
    context.output.result(&json!({"id": row.id, "come": come, "go": go}), &text);
    Ok(Outcome::Done)
}

fn changed(name: &str) -> CliError {
    CliError::Usage(format!("IDP_CHANGED: {name} changed meanwhile; look at it again"))
}

/// Shows the hub's own keys of a provider, or takes a step of their roll-over.
pub(super) async fn key(context: &Context, step: &str, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let mut row = find(&here, named).await?;
    if let Some(step) = Step::parse(step) {
        let rolled = federation(&here, &context.config)?.roll_key(&row, step).await?;
        let detail = json!({"step": step.as_str(), "certificate": fingerprint(&rolled.certificate)});
        let mut tx = here.begin().await?;
        if !rolled.store(&mut tx, &row.id, here.now()).await? {
            return Err(changed(&row.name));
        }
        here.record_detail(&mut tx, "idp.key", ("idp", &row.id), detail).await?;
        tx.commit().await?;
        row = find(&here, &row.id).await?;
    }
    let known = saml_settings(&row).ok_or_else(|| CliError::Usage(format!("{} is no SAML provider", row.name)))?;
    let until = |text: &str| cells::instant(ends(text).map(|end| end.0));
    let key = |text: &str| json!({"certificate": fingerprint(text), "ends": until(text)});
    let stage = known.other.as_ref().map(|other| if other.stage == Stage::Next { "next" } else { "previous" });
    let other = known.other.as_ref().map(|other| key(&other.certificate));
    let document = json!({"id": row.id, "signs": key(&known.certificate), "stage": stage, "other": other});
    let what = match stage {
        None => "One key. musubi idp key next makes the one that comes after it.",
        Some("next") => "The next key is announced. Once the provider has read our metadata: musubi idp key switch.",
        Some(_) => "The new key signs, the old one still opens. When the provider knows it: musubi idp key retire.",
    };
    context.output.note(what);
    context.output.result(&document, &fingerprint(&known.certificate));
    Ok(Outcome::Done)
}

pub(super) async fn metadata(context: &Context, named: &str) -> CliResult {
    let here = Installation::open(context).await?;
    let row = find(&here, named).await?;
    let public: Url = context.config.server.public_url.parse().map_err(anyhow::Error::from)?;
    let described = federation(&here, &context.config)?.describe_saml(&row.id, &public).await;
    let text = described.map_err(|_| CliError::Usage(format!("{} is no SAML provider", row.name)))?;
    context.output.result(&json!({"id": row.id, "metadata": text}), text.trim_end());
    Ok(Outcome::Done)
}
