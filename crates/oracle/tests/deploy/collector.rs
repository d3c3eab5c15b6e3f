//! The collector's configuration: it is closed, and daemons find it where it listens.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::files::{items, text, yaml};

const CONFIGURATION: &str = "deploy/collector/config.yaml";

fn names(section: &Value) -> BTreeSet<String> {
    section.as_object().unwrap_or_else(|| panic!("{CONFIGURATION}: {section}")).keys().cloned().collect()
}

#[test]
fn every_part_of_a_pipeline_is_there_and_every_part_is_in_one() {
    let configured = yaml(CONFIGURATION);
    let pipelines = &configured["service"]["pipelines"];
    assert_eq!(
        names(pipelines),
        ["logs", "metrics", "traces"].map(str::to_owned).into(),
        "what daemons send"
    );
    for kind in ["receivers", "processors", "exporters"] {
        let used: BTreeSet<String> = pipelines
            .as_object()
            .unwrap()
            .values()
            .flat_map(|pipeline| items(&pipeline[kind]))
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(used, names(&configured[kind]), "{kind}");
    }
}

#[test]
fn daemons_are_told_of_the_port_that_it_listens_on() {
    let endpoint = &yaml(CONFIGURATION)["receivers"]["otlp"]["protocols"]["http"]["endpoint"];
    let port = endpoint.as_str().unwrap().strip_prefix("0.0.0.0:").unwrap();
    for file in ["deploy/.env.example", "deploy/compose.yaml"] {
        assert!(text(file).contains(&format!("http://collector:{port}")), "{file}");
    }
    let service = &yaml("deploy/compose.yaml")["services"]["collector"];
    let path = service["command"][0].as_str().unwrap().strip_prefix("--config=").unwrap();
    let mounts = service["volumes"].to_string();
    assert!(mounts.contains(&format!("./collector/config.yaml:{path}:ro")), "{mounts}");
}
