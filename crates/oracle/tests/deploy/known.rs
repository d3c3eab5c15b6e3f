//! What the daemons expose, as docs/metrics.md has it; a check of the daemon's holds that page against the code.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::{items, text, yaml};

/// What Prometheus adds to every series.
const OF_PROMETHEUS: [&str; 2] = ["job", "instance"];

/// Metrics and the labels that each may have, and the words that a label may have.
pub(crate) struct Known {
    metrics: BTreeMap<String, BTreeSet<String>>,
    words: BTreeMap<String, String>,
}

impl Known {
    /// What the daemons expose, and what Prometheus itself knows of them.
    pub(crate) fn of_daemons() -> Self {
        let page = text("docs/metrics.md");
        let mut metrics = BTreeMap::new();
        let mut add = |name: &str, labels: &[&str]| {
            let labels = labels.iter().chain(&OF_PROMETHEUS).map(|label| (*label).to_owned());
            metrics.insert(name.to_owned(), labels.collect());
        };
        add("up", &[]);
        for line in page.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let name = cells[0].trim_matches('`');
            let labels: Vec<&str> = match cells[..] {
                [_, _, labels, _] if labels != "none" => {
                    labels.split(", ").map(|label| label.trim_matches('`')).collect()
                }
                _ => Vec::new(),
            };
            add(name, &labels);
            if cells.get(1) == Some(&"histogram") {
                let of_buckets: Vec<&str> = labels.iter().copied().chain(["le"]).collect();
                add(&format!("{name}_bucket"), &of_buckets);
                add(&format!("{name}_sum"), &labels);
                add(&format!("{name}_count"), &labels);
            }
        }
        assert!(metrics.len() > 40, "docs/metrics.md has hardly a metric");
        let rows =
            page.lines().filter_map(|line| line.strip_prefix("| ")?.trim_end_matches(" |").split_once(" | "));
        let words = rows.map(|(label, words)| (label.to_owned(), words.to_owned())).collect();
        Self { metrics, words }
    }

    /// These, and what deploy/prometheus/recording.yml makes of them.
    pub(crate) fn with_recorded() -> Self {
        let mut known = Self::of_daemons();
        for group in items(&yaml("deploy/prometheus/recording.yml")["groups"]) {
            for rule in items(&group["rules"]) {
                let name = rule["record"].as_str().unwrap();
                // `instance_host:…`: these labels are left, and job beside instance.
                let level = name.split(':').next().unwrap();
                let labels = level.split('_').chain(["job"]).map(str::to_owned).collect();
                known.metrics.insert(name.to_owned(), labels);
            }
        }
        known
    }

    pub(crate) fn has(&self, metric: &str) -> bool {
        self.metrics.contains_key(metric)
    }

    pub(crate) fn has_label(&self, metric: &str, label: &str) -> bool {
        self.metrics.get(metric).is_some_and(|labels| labels.contains(label))
    }

    /// Whether a label may have this value, where the page says which it may have.
    pub(crate) fn may_be(&self, label: &str, value: &str) -> bool {
        let Some(words) = self.words.get(label) else { return true };
        words.split(|sign: char| !(sign.is_alphanumeric() || sign == '_')).any(|word| word == value)
    }
}
