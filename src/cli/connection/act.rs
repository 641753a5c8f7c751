//! Small changes to a connection: pause, resume, a new webhook secret.

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi_sdk::manifest::SignatureSpec;
use rand::RngExt;
use serde_json::json;

use crate::{
    cli::{
        CliError, CliResult, Context, Outcome,
        installation::{Connected, Installation},
    },
    connection::{
        change::{self, ROTATION},
        create::CreateError,
    },
    model::Timestamp,
    store::connection,
};

pub async fn pause(context: &Context, named: &str, paused: bool) -> CliResult {
    let here = Installation::open(context).await?;
    let row = here.connection(named).await?;
    let mut tx = here.begin().await?;
    connection::set_paused(&mut tx, &row.id, paused, here.now()).await?;
    let action = if paused { "connection.pause" } else { "connection.resume" };
    here.record(&mut tx, action, ("connection", &row.id)).await?;
    tx.commit().await?;
    let done = if paused { "is paused" } else { "goes on" };
    context.output.result(&json!({"id": row.id, "paused": paused}), &format!("{} {done}.", row.name));
    Ok(Outcome::Done)
}

pub async fn rotate_secret(context: &Context, named: &str) -> CliResult {
    let here = Connected::open(context).await?;
    let row = here.connection(named).await?;
    let secret = fresh(&here, &row.connector);
    change::rotate_hook_secret(&here.db, &here.registry, &here.keys, &here.clock, &row.id, &secret).await.map_err(
        |error| match error {
            CreateError::NotFound => CliError::Usage(format!("{} receives no signed webhooks", row.name)),
            other => CliError::Other(other.into()),
        },
    )?;
    here.record_alone("connection.rotate_secret", ("connection", &row.id)).await?;
    let until = here.now().plus(ROTATION);
    let document = json!({"id": row.id, "secret": secret, "old_secret_until": until.rfc3339()});
    context.output.result(&document, &secret);
    context.output.note(&format!(
        "Shown this once. Type it into the sending system; its old secret is accepted for {} hours more.",
        ROTATION / Timestamp::HOUR
    ));
    Ok(Outcome::Done)
}

/// 256 random bits in the form that the connector's scheme wants.
fn fresh(here: &Connected, connector: &str) -> String {
    let bits = rand::rng().random::<[u8; 32]>();
    let standard = here
        .registry
        .catalogue()
        .get(connector)
        .and_then(|m| m.webhook.as_ref())
        .is_some_and(|hook| matches!(hook.signature, SignatureSpec::StandardWebhooks { .. }));
    if standard { format!("whsec_{}", BASE64_STANDARD.encode(bits)) } else { hex::encode(bits) }
}
