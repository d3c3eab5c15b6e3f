//! Recording rules and alerts: names, runbooks, and promtool's own word.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::documents::anchors;
use crate::files::{items, root, text, yaml};
use crate::known::Known;
use crate::prometheus::promtool;
use crate::promql::flaws;

const FILES: [&str; 2] = ["deploy/prometheus/recording.yml", "deploy/prometheus/alerts.yml"];

/// All rules of a file.
pub(crate) fn rules(file: &str) -> Vec<Value> {
    let groups = yaml(file);
    items(&groups["groups"]).iter().flat_map(|group| items(&group["rules"]).to_vec()).collect()
}

fn alerts() -> Vec<Value> {
    rules(FILES[1])
}

fn name(alert: &Value) -> String {
    alert["alert"].as_str().unwrap().to_owned()
}

#[test]
fn every_rule_names_metrics_and_labels_that_exist() {
    let known = Known::with_recorded();
    let expressions = FILES.iter().flat_map(|file| rules(file));
    let found: Vec<_> = expressions.flat_map(|rule| flaws(rule["expr"].as_str().unwrap(), &known)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_alert_has_a_severity_words_and_a_runbook_that_exists() {
    let there = anchors(&text("docs/operations.md"));
    for alert in alerts() {
        let (name, annotations) = (name(&alert), &alert["annotations"]);
        assert!(matches!(alert["labels"]["severity"].as_str(), Some("critical" | "warning")), "{name}");
        for words in ["summary", "description"] {
            assert!(annotations[words].as_str().is_some_and(|text| text.len() > 20), "{name} has no {words}");
        }
        let runbook = annotations["runbook"].as_str().unwrap();
        let anchor =
            runbook.strip_prefix("docs/operations.md#").unwrap_or_else(|| panic!("{name}: {runbook}"));
        assert!(there.contains(anchor), "{name}: docs/operations.md has no section #{anchor}");
    }
}

#[test]
fn the_runbook_lists_every_alert_with_its_severity_and_its_section_and_no_other() {
    let page = text("docs/operations.md");
    let rows: BTreeSet<&str> = page.lines().filter(|line| line.starts_with("| `Standpipe")).collect();
    let expected: Vec<String> = alerts()
        .iter()
        .map(|alert| {
            let runbook = alert["annotations"]["runbook"].as_str().unwrap();
            let anchor = runbook.split('#').nth(1).unwrap();
            let severity = alert["labels"]["severity"].as_str().unwrap();
            let title =
                page.lines().find(|line| line.starts_with('#') && crate::documents::slug(line) == anchor);
            let title = title.unwrap_or_default().trim_start_matches('#').trim();
            format!("| `{}` | {severity} | [{title}](#{anchor}) |", name(alert))
        })
        .collect();
    assert_eq!(rows, expected.iter().map(String::as_str).collect(), "docs/operations.md, Alerts");
}

#[test]
fn every_alert_has_a_unit_test_in_which_it_fires() {
    let tests = yaml("deploy/prometheus/tests/alerts.yml");
    let looks = items(&tests["tests"]).iter().flat_map(|test| items(&test["alert_rule_test"]));
    let fire = looks.filter(|look| !items(&look["exp_alerts"]).is_empty());
    let fire: BTreeSet<_> = fire.map(|look| look["alertname"].as_str().unwrap().to_owned()).collect();
    assert_eq!(fire, alerts().iter().map(name).collect());
}

#[test]
fn promtool_takes_the_rules_and_their_unit_tests_pass() {
    let folder = root().join("deploy/prometheus");
    for arguments in [&["check", "config", "prometheus.yml"][..], &["test", "rules", "tests/alerts.yml"]] {
        let Some(mut promtool) = promtool() else { return };
        let output = promtool.current_dir(&folder).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "promtool {arguments:?}:\n{said}");
    }
}
