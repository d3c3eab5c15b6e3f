//! Dashboards: names, and that they can be read where there are many hosts.

use serde_json::Value;

use crate::files::{items, json, listed, yaml};
use crate::known::Known;
use crate::promql::flaws;

/// One query of a panel.
pub(crate) struct Query {
    /// The dashboard and the panel's title.
    pub(crate) place: String,
    pub(crate) expression: String,
    legend: String,
    is_table: bool,
}

/// Every query of every panel.
pub(crate) fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for path in listed("deploy/grafana/dashboards", ".json") {
        let board = json(&path);
        for panel in items(&board["panels"]) {
            for target in items(&panel["targets"]) {
                let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                queries.push(Query {
                    place: format!("{path}: {}", word(&panel["title"])),
                    expression: word(&target["expr"]),
                    legend: word(&target["legendFormat"]),
                    is_table: panel["type"] == "table",
                });
            }
        }
    }
    queries
}

#[test]
fn every_panel_names_metrics_and_labels_that_exist() {
    let known = Known::with_recorded();
    let mut expressions: Vec<_> =
        queries().into_iter().map(|query| (query.place, query.expression)).collect();
    for path in listed("deploy/grafana/dashboards", ".json") {
        let board = json(&path);
        for annotation in items(&board["annotations"]["list"]) {
            expressions.push((path.clone(), annotation["expr"].as_str().unwrap().to_owned()));
        }
        for variable in
            items(&board["templating"]["list"]).iter().filter(|variable| variable["type"] == "query")
        {
            let query = variable["query"]["query"].as_str().unwrap();
            let series =
                query.strip_prefix("label_values(").and_then(|query| query.rsplit_once(',')).unwrap().0;
            expressions.push((path.clone(), series.to_owned()));
        }
    }
    assert!(expressions.len() > 60, "{} expressions", expressions.len());
    let found: Vec<_> = expressions
        .iter()
        .flat_map(|(place, expression)| flaws(expression, &known).into_iter().map(move |flaw| (place, flaw)))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_line_for_each_host_is_drawn_of_the_foremost_only() {
    for Query { place, expression, legend, is_table } in queries() {
        let is_bounded = expression.contains("topk(") || expression.contains("bottomk(");
        assert!(is_table || is_bounded || !legend.contains("{{host}}"), "{place}: {expression}");
    }
}

#[test]
fn every_dashboard_is_provisioned_and_has_a_name_of_its_own() {
    let sources = yaml("deploy/grafana/provisioning/datasources/prometheus.yaml");
    let source = &sources["datasources"][0]["uid"];
    let boards: Vec<_> = listed("deploy/grafana/dashboards", ".json").iter().map(|path| json(path)).collect();
    let mut uids: Vec<_> = boards.iter().map(|board| board["uid"].as_str().unwrap()).collect();
    uids.sort_unstable();
    assert_eq!(uids, ["standpipe-backfill", "standpipe-firehose", "standpipe-labeler", "standpipe-tier"]);
    for board in &boards {
        let mut ids: Vec<_> =
            items(&board["panels"]).iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        let panels = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), panels, "{}: two panels of one number", board["uid"]);
        for target in items(&board["panels"]).iter().flat_map(|panel| items(&panel["targets"])) {
            assert_eq!(&target["datasource"]["uid"], source, "{}", board["uid"]);
        }
    }
    let compose = yaml("deploy/compose.yaml");
    let mounts = compose["services"]["grafana"]["volumes"].to_string();
    let provider = yaml("deploy/grafana/provisioning/dashboards/standpipe.yaml");
    let path = provider["providers"][0]["options"]["path"].as_str().unwrap();
    assert!(mounts.contains(&format!("./grafana/dashboards:{path}:ro")), "{mounts}");
}
