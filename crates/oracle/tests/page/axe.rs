//! What keeps people out who see, hear or point otherwise: looked for by axe-core.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use standpipe_oracle::is_ci;

use crate::view::View;

/// Fails for serious and critical faults; says the others.
pub(crate) async fn finds_nothing(view: &View, name: &str) {
    let Some(path) = find() else {
        assert!(!is_ci(), "there is no axe-core here, and CI skips nothing");
        println!("skipped: no axe-core (`cargo xtask setup` fetches it)");
        return;
    };
    let engine = fs::read_to_string(path).unwrap();
    // The policy of the page is for the page; what a driver runs is not bound by it, except in what it writes.
    let script = format!("{engine};\nreturn axe.run(document, {{ resultTypes: ['violations'] }});");
    let result = view.browser.run(&script, &json!([])).await.unwrap();
    let violations = result["violations"].as_array().unwrap();
    let told = |violation: &Value| {
        let nodes: Vec<_> =
            violation["nodes"].as_array().unwrap().iter().take(3).map(|node| &node["html"]).collect();
        format!("{} ({}): {} {nodes:?}", violation["id"], violation["impact"], violation["help"])
    };
    let (bad, others): (Vec<_>, Vec<_>) = violations
        .iter()
        .partition(|violation| violation["impact"] == "serious" || violation["impact"] == "critical");
    for violation in others {
        println!("{name}: {}", told(violation));
    }
    assert!(bad.is_empty(), "{name}: {:#?}", bad.into_iter().map(told).collect::<Vec<_>>());
    assert_eq!(result["testEngine"]["name"], "axe-core");
}

#[expect(clippy::disallowed_methods, reason = "the rig looks for its tools itself")]
fn find() -> Option<PathBuf> {
    let named = std::env::var_os("STANDPIPE_AXE").filter(|named| !named.is_empty()).map(PathBuf::from);
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    named.or_else(|| Some(target.join("tools/axe-core/package/axe.min.js"))).filter(|path| path.is_file())
}
