//! The profile `observe`: Prometheus and a collector with our configuration, before daemons in containers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::containers::DAEMONS;
use crate::containers::confined::confined_as_the_kernel_has_it;
use crate::containers::engine::{docker, images, inspected, is_there, or_pulled, own_process};
use crate::containers::tier::Tier;
use crate::files::{items, yaml};
use crate::prometheus::Prometheus;

/// What the daemons send to the collector, as it calls it in its log.
const SIGNALS: [&str; 3] = ["traces", "metrics", "logs"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_scrapes_all_daemons_with_our_rules_and_the_collector_hears_of_them() {
    if !is_there() {
        return;
    }
    let tag = images();
    let compose = yaml("deploy/compose.yaml");
    let observers: Vec<_> = ["prometheus", "collector", "grafana"]
        .into_iter()
        .filter(|service| or_pulled(default_image(&compose, service)))
        .collect();
    if !observers.contains(&"prometheus") || !observers.contains(&"collector") {
        return;
    }
    let sends = json!({ "environment": {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "OTEL_METRIC_EXPORT_INTERVAL": "2000",
    }});
    let tier =
        Tier::over(&tag, &DAEMONS.into_iter().map(|daemon| (daemon, sends.clone())).collect::<Value>());
    let services = ["redis", "firehose", "backfill", "labeler", "relay", "pds", "labels", "consumer"];
    let up = ["--profile", "demo", "--profile", "observe", "up", "--detach", "--wait", "--no-build"];
    tier.compose(&[&up, &observers[..]].concat());
    // What it says of itself at its start, in whatever words.
    let at_start = SIGNALS.map(|signal| mentions(&tier, signal));
    tier.compose(&[&up, &services[..]].concat());

    for service in &observers {
        let container = tier.container(service);
        assert_eq!(inspected("container", &container)["RestartCount"], 0, "{service}");
        confined_as_the_kernel_has_it(service, own_process(&container));
    }
    let prometheus = Prometheus::at(tier.published("prometheus", 9090)).await;
    for daemon in DAEMONS {
        prometheus.until(&format!("up{{job=\"{daemon}\", instance=\"{daemon}:4100\"}} == 1")).await;
        prometheus.until(&format!("standpipe_entries_total{{job=\"{daemon}\"}} > 0")).await;
    }
    assert_eq!(prometheus.rules_once_evaluated().await, rules_of_files());
    for (signal, at_start) in SIGNALS.into_iter().zip(at_start) {
        let heard = || mentions(&tier, signal) > at_start;
        tier.until(&format!("the collector has heard of {signal}"), heard).await;
    }
}

/// Every rule of the files, by its name.
fn rules_of_files() -> BTreeSet<String> {
    let files = ["recording", "alerts"].map(|file| yaml(&format!("deploy/prometheus/{file}.yml")));
    let groups = files.iter().flat_map(|file| items(&file["groups"]));
    let rules = groups.flat_map(|group| items(&group["rules"]));
    rules.map(|rule| rule["record"].as_str().or(rule["alert"].as_str()).unwrap().to_owned()).collect()
}

/// How many lines of the collector's log name a signal. It writes one for whatever comes.
fn mentions(tier: &Tier, signal: &str) -> usize {
    let said = docker(&["logs", &tier.container("collector")]).to_lowercase();
    said.lines().filter(|line| line.contains(signal)).count()
}

fn default_image<'a>(compose: &'a Value, service: &str) -> &'a str {
    let image = compose["services"][service]["image"].as_str().unwrap();
    image.split_once(":-").map_or(image, |(_, default)| default.trim_end_matches('}'))
}
