//! What Grafana is provisioned with, held against what its documents ask ("Provision Grafana", "Configure Grafana").

use std::collections::BTreeSet;

use serde_json::Value;

use crate::files::{items, json, listed, yaml};

/// Keys of a data source.
const OF_SOURCE: [&str; 16] = [
    "name",
    "type",
    "access",
    "orgId",
    "uid",
    "url",
    "user",
    "database",
    "basicAuth",
    "basicAuthUser",
    "withCredentials",
    "isDefault",
    "jsonData",
    "secureJsonData",
    "version",
    "editable",
];
/// Keys of `jsonData` where the data source is a Prometheus.
const OF_PROMETHEUS: [&str; 6] =
    ["timeInterval", "manageAlerts", "httpMethod", "prometheusType", "prometheusVersion", "cacheLevel"];
/// Keys of a provider of dashboards.
const OF_PROVIDER: [&str; 9] = [
    "name",
    "orgId",
    "folder",
    "folderUid",
    "type",
    "disableDeletion",
    "updateIntervalSeconds",
    "allowUiUpdates",
    "options",
];
/// Sections of its settings, as `GF_SECTION_KEY` names them.
const SECTIONS: [&str; 5] = ["SECURITY", "ANALYTICS", "NEWS", "PLUGINS", "DASHBOARDS"];
/// The schema of dashboards of Grafana 12, which compose.yaml takes. It brings older ones up to its own.
const NEWEST_SCHEMA: u64 = 41;
/// The longest that a uid may be.
const LONGEST_UID: usize = 40;

fn knows(place: &str, section: &Value, known: &[&str]) {
    for key in section.as_object().unwrap_or_else(|| panic!("{place}: {section}")).keys() {
        assert!(known.contains(&key.as_str()), "{place}: there is no {key}");
    }
}

fn is_uid(text: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || sign == '-' || sign == '_';
    (1..=LONGEST_UID).contains(&text.len()) && text.chars().all(is_sign)
}

#[test]
fn the_data_source_is_one_that_grafana_takes() {
    let path = "deploy/grafana/provisioning/datasources/prometheus.yaml";
    let file = yaml(path);
    knows(path, &file, &["apiVersion", "datasources", "deleteDatasources", "prune"]);
    assert_eq!(file["apiVersion"], 1);
    let [source] = items(&file["datasources"]) else { panic!("{path}: one data source") };
    knows(path, source, &OF_SOURCE);
    knows(path, &source["jsonData"], &OF_PROMETHEUS);
    assert_eq!((&source["type"], &source["access"]), (&"prometheus".into(), &"proxy".into()));
    assert!(is_uid(source["uid"].as_str().unwrap()), "{}", source["uid"]);
    // Where compose has Prometheus, and as often as that scrapes.
    assert_eq!(source["url"], "http://prometheus:9090");
    let scrapes = &yaml("deploy/prometheus/prometheus.yml")["global"]["scrape_interval"];
    assert_eq!(&source["jsonData"]["timeInterval"], scrapes);
}

#[test]
fn the_provider_is_one_that_grafana_takes() {
    let path = "deploy/grafana/provisioning/dashboards/standpipe.yaml";
    let file = yaml(path);
    knows(path, &file, &["apiVersion", "providers"]);
    assert_eq!(file["apiVersion"], 1);
    let [provider] = items(&file["providers"]) else { panic!("{path}: one provider") };
    knows(path, provider, &OF_PROVIDER);
    knows(path, &provider["options"], &["path", "foldersFromFilesStructure"]);
    assert!(provider["name"].is_string() && provider["options"]["path"].is_string(), "{provider}");
    assert_eq!(provider["type"], "file");
}

#[test]
fn dashboards_are_ones_that_grafana_takes() {
    let (mut uids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for path in listed("deploy/grafana/dashboards", ".json") {
        let board = json(&path);
        assert!(board["id"].is_null(), "{path}: ids are of one installation");
        let (uid, title) = (board["uid"].as_str().unwrap(), board["title"].as_str().unwrap());
        assert!(is_uid(uid), "{path}: {uid}");
        assert!(uids.insert(uid.to_owned()), "{path}: {uid} is of two");
        assert!(titles.insert(title.to_owned()), "{path}: {title} is of two");
        assert!(board["schemaVersion"].as_u64() <= Some(NEWEST_SCHEMA), "{path}");
    }
}

#[test]
fn its_settings_are_of_sections_that_it_has_and_it_calls_nobody() {
    let environment = &yaml("deploy/compose.yaml")["services"]["grafana"]["environment"];
    for name in environment.as_object().unwrap().keys() {
        let section = name.strip_prefix("GF_").and_then(|rest| rest.split('_').next());
        assert!(section.is_some_and(|section| SECTIONS.contains(&section)), "{name}");
    }
    for asks in ["REPORTING_ENABLED", "CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES"] {
        assert_eq!(environment[format!("GF_ANALYTICS_{asks}")], "false", "{asks}");
    }
    assert_eq!(environment["GF_NEWS_NEWS_FEED_ENABLED"], "false");
    assert_eq!(environment["GF_PLUGINS_PREINSTALL_DISABLED"], "true");
}
