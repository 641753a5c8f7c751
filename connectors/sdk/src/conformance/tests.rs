use std::{path::PathBuf, sync::Arc};

use super::*;
use crate::manifest::Manifest;

fn report(name: &str) -> Result<Vec<Check>, String> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let text = std::fs::read_to_string(dir.join("connector.yaml")).map_err(|e| e.to_string())?;
    let manifest = Manifest::parse("connector.yaml", &text)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let manifest = Arc::new(manifest);
    let fixtures = Fixtures::load(&dir.join("fixtures")).map_err(|e| e.to_string())?;
    let connector = fixtures.connector(Arc::clone(&manifest)).map_err(|e| e.to_string())?;
    let options = fixtures.options(&manifest);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    Ok(runtime.block_on(run(&connector, &options)))
}

#[test]
fn the_generic_connectors_pass() -> Result<(), String> {
    for name in ["rest", "webhook"] {
        let checks = report(name)?;
        let failed: Vec<String> =
            checks.iter().filter(|check| check.outcome == Outcome::Failed).map(ToString::to_string).collect();
        assert!(failed.is_empty(), "{name}: {failed:#?}");
        assert!(checks.iter().filter(|check| check.outcome == Outcome::Passed).count() >= 6, "{name}: {checks:#?}");
    }
    Ok(())
}

#[test]
fn a_secret_in_a_text_is_found() {
    let known = [SecretString::from("invented-token-5501")];
    assert_eq!(secrets(&known, &["GET /x?key=invented-token-5501".to_owned()]).outcome, Outcome::Failed);
    assert_eq!(secrets(&known, &["GET /x".to_owned()]).outcome, Outcome::Passed);
}
