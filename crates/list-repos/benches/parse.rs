//! What it costs to read a page of 1,000 repos, beside what `serde_json` alone takes: to skip the body, to read its rows
//! with nothing forgiven, and to build a tree of it. And a whole walk over loopback, with the host in another thread.

#![expect(clippy::expect_used, reason = "a benchmark")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde::de::IgnoredAny;
use standpipe_list_repos::{Bounds, ListRepos, PageLimit, Poison, Reach, RepoRows, Repos, Settings};
use standpipe_pipeline::{Silent, Source};

const ROWS: usize = 1000;
/// Pages of one walk.
const PAGES: usize = 100;

/// A page as a relay writes it, without its end.
fn page() -> String {
    let mut page = String::from(r#"{"repos":["#);
    for row in 0..ROWS {
        if row > 0 {
            page.push(',');
        }
        write!(
            page,
            r#"{{"did":"did:plc:{row:024}","head":"bafyreib2rxk3rybjz6lekbz7yoqeqjnv6yxqmgdqxzsxgytjmqdkwa5qqi","rev":"3jzfcijpj2z2a","active":true}}"#
        )
        .expect("a text takes all");
    }
    page.push(']');
    page
}

/// What the rows are, in the manner of a parser that knows the page to be well-formed.
#[derive(Deserialize)]
struct Strict<'a> {
    #[serde(borrow)]
    repos: Vec<StrictRow<'a>>,
}

#[derive(Deserialize)]
struct StrictRow<'a> {
    did: &'a str,
    head: &'a str,
    rev: &'a str,
    active: bool,
}

/// A host that gives the same page with another cursor each time, as often as it is asked.
fn serve(page: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            let mut number = 0;
            while stream.read(&mut request).is_ok_and(|len| len > 0) {
                number += 1;
                let end =
                    if number % PAGES == 0 { "}".to_owned() } else { format!(r#","cursor":"{number}"}}"#) };
                let len = page.len() + end.len();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n");
                let answer = [head.as_bytes(), page.as_bytes(), end.as_bytes()].concat();
                if stream.write_all(&answer).is_err() {
                    break;
                }
            }
        }
    });
    address
}

async fn walk(address: SocketAddr, settings: &Settings) -> usize {
    let host = format!("http://{address}").parse().expect("a host");
    let mut walk = ListRepos::open(&Repos, settings, &host, None, Silent::shared()).expect("a walk");
    let mut rows = 0;
    while let Some(page) = walk.next().await.expect("a page") {
        rows += page.rows.iter().map(|row| black_box(row).did.len().min(1)).sum::<usize>();
    }
    rows
}

fn parse(criterion: &mut Criterion) {
    let page = page();
    let whole = format!("{page}}}");
    let mut group = criterion.benchmark_group("page of 1000");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("serde_json, skipped", |bencher| {
        bencher.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(whole.as_bytes())).expect("JSON"));
    });
    group.bench_function("serde_json, strict rows", |bencher| {
        bencher.iter(|| {
            let page: Strict<'_> = serde_json::from_slice(black_box(whole.as_bytes())).expect("a page");
            page.repos
                .iter()
                .map(|row| row.did.len() + row.head.len() + row.rev.len() + usize::from(row.active))
                .sum::<usize>()
        });
    });
    group.bench_function("serde_json, tree", |bencher| {
        bencher
            .iter(|| serde_json::from_slice::<serde_json::Value>(black_box(whole.as_bytes())).expect("JSON"));
    });
    group.bench_function("ours", |bencher| {
        bencher.iter(|| RepoRows::parse(black_box(whole.as_bytes())).expect("a page"));
    });
    group.finish();

    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default TLS versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let settings = Settings {
        user_agent: "benchmark".to_owned(),
        tls: Arc::new(tls),
        reach: Reach::Written,
        limit: PageLimit::default(),
        poison: Poison::Hold,
        bounds: Bounds::default(),
    };
    let address = serve(page);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut group = criterion.benchmark_group("walk over loopback");
    group.sample_size(20).throughput(Throughput::Elements((ROWS * PAGES) as u64));
    group.bench_function("100 pages of 1000", |bencher| {
        bencher.iter(|| assert_eq!(runtime.block_on(walk(address, &settings)), ROWS * PAGES));
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
