//! The documents name metrics and sections that exist.

use std::collections::BTreeSet;

use crate::files::{listed, root, text};
use crate::known::Known;

/// The anchors of a page's headings, as they are made of them where Markdown is shown.
pub(crate) fn anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let headings = page.lines().filter(|line| {
        is_code ^= line.starts_with("```");
        !is_code && line.starts_with('#')
    });
    headings.map(slug).collect()
}

pub(crate) fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|sign| sign.is_alphanumeric() || [' ', '-', '_'].contains(sign));
    kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}

#[test]
fn every_metric_that_a_document_names_exists() {
    let known = Known::with_recorded();
    let crates: Vec<_> = listed("crates", "")
        .iter()
        .map(|path| path.replace("crates/", "standpipe_").replace('-', "_"))
        .collect();
    let mut flaws = Vec::new();
    for path in listed("docs", ".md").into_iter().chain(["README.md".to_owned()]) {
        let page = text(&path);
        let names = page.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_' || sign == ':'));
        let names = names.filter(|name| name.starts_with("standpipe_") || name.starts_with("ingester_"));
        // Beginnings (`ingester_…`), paths of Rust, and targets of log lines are no metrics.
        let is_else =
            |name: &str| name.ends_with('_') || name.contains("::") || crates.iter().any(|of| of == name);
        let names = names.filter(|name| !is_else(name));
        flaws.extend(names.filter(|name| !known.has(name)).map(|name| format!("{path}: {name}")));
    }
    assert!(flaws.is_empty(), "{flaws:#?}");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut flaws = Vec::new();
    for path in listed("docs", ".md") {
        let page = text(&path);
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { format!("docs/{file}") };
            if !root().join(&target).exists() {
                flaws.push(format!("{path}: {link}"));
            } else if !anchor.is_empty() && !anchors(&text(&target)).contains(anchor) {
                flaws.push(format!("{path}: {link}, which has no such section"));
            }
        }
    }
    assert!(flaws.is_empty(), "{flaws:#?}");
}

#[test]
fn an_anchor_is_made_as_it_is_where_markdown_is_shown() {
    assert_eq!(slug("## What happened?"), "what-happened");
    assert_eq!(slug("### How a run ended"), "how-a-run-ended");
    assert_eq!(anchors("# A\n```\n# no heading\n```\n## B c\n"), ["a", "b-c"].map(str::to_owned).into());
}
