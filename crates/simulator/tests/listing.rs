//! Lists as their clients see them: over real sockets, with a client of the tests' own.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value;
use standpipe_simulator::{
    Feed, ListEnd, ListedHost, ListingRules, ListingSettings, PageFault, PageShape, RateLimit, Relay,
    RelaySettings, Retry, RowFlaw, Rule, Share, World, WorldSettings,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIST_REPOS: &str = "/xrpc/com.atproto.sync.listRepos";

fn world(accounts: u32) -> World {
    World::new(WorldSettings { accounts: NonZeroU32::new(accounts).unwrap(), ..WorldSettings::default() })
}

fn host(listing: ListingSettings) -> Relay {
    let settings = RelaySettings { listing: Some(listing), ..RelaySettings::default() };
    Relay::start(Feed::canned(Vec::new()), settings).unwrap()
}

/// A client of one connection, which it keeps for as long as the host does.
struct Client(BufStream<TcpStream>);

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Client {
    async fn of(host: &Relay) -> Self {
        Self(BufStream::new(TcpStream::connect(host.addr()).await.unwrap()))
    }

    /// The answer; `None` where the host hung up before it was whole.
    async fn get(&mut self, target: &str) -> Option<Answer> {
        let answer = async {
            self.0.write_all(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await.ok()?;
            self.0.flush().await.ok()?;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.ok()?);
            }
            let head = String::from_utf8(head).unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let answer = Answer { status, head, body: Vec::new() };
            let mut body = vec![0; answer.header("Content-Length").unwrap().parse().unwrap()];
            self.0.read_exact(&mut body).await.ok()?;
            Some(Answer { body, ..answer })
        };
        timeout(Duration::from_secs(20), answer).await.unwrap()
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| escaped + &format!("%{byte:02x}"))
}

fn target(limit: u64, cursor: Option<&str>) -> String {
    let cursor = cursor.map(|cursor| format!("&cursor={}", escaped(cursor))).unwrap_or_default();
    format!("{LIST_REPOS}?limit={limit}{cursor}")
}

/// A page's rows and its cursor.
type Page = (Vec<Value>, Option<String>);

/// All pages up to the first without a cursor.
async fn all_pages(host: &Relay, limit: u64) -> Vec<Page> {
    let mut client = Client::of(host).await;
    let mut pages: Vec<Page> = Vec::new();
    loop {
        let sent = pages.last().and_then(|(_, next)| next.clone());
        let page = client.get(&target(limit, sent.as_deref())).await.unwrap().json();
        let next = page["cursor"].as_str().map(str::to_owned);
        pages.push((page["repos"].as_array().cloned().unwrap_or_default(), next.clone()));
        if next.is_none_or(|next| next.is_empty()) {
            return pages;
        }
        assert!(pages.len() < 1000, "a list without an end");
    }
}

fn dids(pages: &[Page]) -> Vec<String> {
    pages.iter().flat_map(|(rows, _)| rows).map(|row| row["did"].as_str().unwrap().to_owned()).collect()
}

fn servable(host: &Relay) -> Vec<String> {
    host.servable().map(|account| account.did).collect()
}

#[tokio::test]
async fn a_relay_lists_active_accounts_and_gives_no_cursor_on_a_short_page() {
    let host = host(ListingSettings::relay(world(1000)));
    let active = servable(&host).len();
    let pages = all_pages(&host, 100).await;
    assert!((850..950).contains(&active), "{active}");
    assert_eq!(dids(&pages), servable(&host));
    assert_eq!(pages.len(), active.div_ceil(100));
    assert!(pages.iter().rev().skip(1).all(|(_, next)| next.as_ref().unwrap().parse::<u64>().is_ok()));
    let row = &pages[0].0[0];
    let keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((keys, &row["active"]), (vec!["active", "did", "head", "rev"], &Value::Bool(true)));

    // An exactly full last page has a cursor, and then comes an empty one. A page of one row never has any.
    let full = all_pages(&host, u64::try_from(active).unwrap()).await;
    assert_eq!(full.iter().map(|(rows, _)| rows.len()).collect::<Vec<_>>(), [active, 0]);
    assert_eq!(all_pages(&host, 1).await.len(), 1);
}

#[tokio::test]
async fn a_pds_lists_all_its_accounts_and_gives_a_cursor_on_every_page_that_has_rows() {
    let share = |index| ListingSettings::pds(world(1000), Share { index, of: 3 });
    let hosts = [host(share(0)), host(share(1)), host(share(2))];
    let mut all = HashSet::new();
    let mut standings = HashSet::new();
    for host in &hosts {
        let pages = all_pages(host, 100).await;
        assert_eq!(dids(&pages), servable(host));
        let (last, rest) = pages.split_last().unwrap();
        assert_eq!(last, &(Vec::new(), None));
        assert!(rest.iter().all(|(_, next)| next.as_ref().unwrap().contains("::did:")));
        all.extend(dids(&pages));
        let rows = pages.iter().flat_map(|(rows, _)| rows);
        standings.extend(rows.map(|row| (row["active"].to_string(), row["status"].to_string())));
    }
    assert_eq!(all.len(), 1000);
    assert!(standings.contains(&("false".to_owned(), "\"takendown\"".to_owned())), "{standings:?}");
    assert_eq!(hosts.iter().map(Relay::accounts).sum::<u64>(), 1000);
}

#[tokio::test]
async fn other_hosts_end_their_lists_in_other_ways() {
    for (end, last) in [
        (ListEnd::EmptyText, (50, Value::from(""))),
        (ListEnd::Null, (50, Value::Null)),
        (ListEnd::NullRepos, (0, Value::Null)),
    ] {
        let rules = ListingRules { end, ..ListingRules::OTHER };
        let host = host(ListingSettings { rules, ..ListingSettings::relay(world(250)) });
        let pages = all_pages(&host, 100).await;
        assert_eq!(dids(&pages), servable(&host), "{end:?}");
        let cursor = pages.last().unwrap().1.clone().map_or(Value::Null, Value::from);
        assert_eq!((pages.last().unwrap().0.len(), cursor), last, "{end:?}");
    }
    let rules = ListingRules { end: ListEnd::Repeats, ..ListingRules::OTHER };
    let host = host(ListingSettings { rules, ..ListingSettings::relay(world(150)) });
    let mut client = Client::of(&host).await;
    let first = client.get(&target(100, None)).await.unwrap().json();
    let cursor = first["cursor"].as_str().unwrap();
    for _ in 0..2 {
        let page = client.get(&target(100, Some(cursor))).await.unwrap().json();
        assert_eq!((page["cursor"].as_str(), page["repos"].as_array().unwrap().len()), (Some(cursor), 50));
    }
    // A client that does not escape the cursor sends another one.
    let unescaped = client.get(&format!("{LIST_REPOS}?cursor={cursor}")).await.unwrap();
    assert_eq!((unescaped.status, unescaped.json()["error"].as_str().unwrap()), (400, "BadRequest"));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_the_connection_goes_on() {
    let host = host(ListingSettings::relay(world(10)));
    let mut client = Client::of(&host).await;
    for query in ["limit=0", "limit=1001", "limit=x", "cursor=", "cursor=1::did:plc:x", "cursor=%ff"] {
        assert_eq!(client.get(&format!("{LIST_REPOS}?{query}")).await.unwrap().status, 400, "{query}");
    }
    assert_eq!(client.get(LIST_REPOS).await.unwrap().status, 200);
    assert_eq!(host.connections().len(), 1);
    assert_eq!(host.page_requests().last().unwrap().limit, 500);
}

#[tokio::test]
async fn hosts_and_collections_are_listed() {
    let listed = |number: u64| ListedHost {
        hostname: format!("pds{number}.example.com"),
        account_count: Some(number),
        status: (number == 2).then(|| "banned".to_owned()),
        seq: None,
    };
    let hosts = (0..5).map(listed).collect();
    let host = host(ListingSettings { hosts, ..ListingSettings::relay(world(1000)) });
    let mut client = Client::of(&host).await;
    let first = client.get("/xrpc/com.atproto.sync.listHosts?limit=3").await.unwrap().json();
    assert_eq!(
        first["hosts"][2].to_string(),
        r#"{"accountCount":2,"hostname":"pds2.example.com","status":"banned"}"#
    );
    let next =
        format!("/xrpc/com.atproto.sync.listHosts?limit=3&cursor={}", first["cursor"].as_str().unwrap());
    let second = client.get(&next).await.unwrap().json();
    assert_eq!((second["hosts"].as_array().unwrap().len(), second.get("cursor")), (2, None));

    let by = "/xrpc/com.atproto.sync.listReposByCollection?limit=2000&collection=app.bsky.feed.post";
    let page = client.get(by).await.unwrap().json();
    let rows = page["repos"].as_array().unwrap();
    assert!((600..730).contains(&rows.len()), "{}", rows.len());
    assert_eq!(rows[0].as_object().unwrap().len(), 1);
    let end =
        client.get(&format!("{by}&cursor={}", escaped(page["cursor"].as_str().unwrap()))).await.unwrap();
    assert_eq!(end.json().to_string(), r#"{"repos":[]}"#);
    let unescaped = client.get(&format!("{by}&cursor={}", page["cursor"].as_str().unwrap())).await.unwrap();
    assert_eq!((unescaped.status, unescaped.json()["error"].as_str().unwrap()), (500, "DatabaseError"));
    assert_eq!(client.get("/xrpc/com.atproto.sync.listReposByCollection").await.unwrap().status, 400);
}

#[tokio::test]
async fn a_rate_limit_is_said_with_every_answer_and_kept() {
    let rate_limit = Some(RateLimit { requests: 2, window: Duration::from_hours(1) });
    let host = host(ListingSettings { rate_limit, ..ListingSettings::relay(world(10)) });
    let mut client = Client::of(&host).await;
    let mut said = Vec::new();
    for _ in 0..3 {
        let answer = client.get(LIST_REPOS).await.unwrap();
        assert!(answer.header("RateLimit-Reset").unwrap().parse::<u64>().unwrap() > 1_700_000_000);
        assert_eq!(answer.header("RateLimit-Policy"), Some("2;w=3600"));
        said.push((answer.status, answer.header("RateLimit-Remaining").unwrap().to_owned()));
    }
    let expected = [(200, "1"), (200, "0"), (429, "0")].map(|(status, left)| (status, left.to_owned()));
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_poison_row_fails_every_page_that_holds_it_and_no_other() {
    let host = host(ListingSettings::pds(world(1000), Share::ALL));
    let poison = host.faults().add("page-status:500@row=250".parse::<Rule>().unwrap());
    let mut client = Client::of(&host).await;
    let cursor_after = |page: Value| page["cursor"].as_str().unwrap().to_owned();
    let at_200 = cursor_after(client.get(&target(200, None)).await.unwrap().json());
    for (limit, status) in [(1000, 500), (100, 500), (51, 500), (50, 200)] {
        assert_eq!(client.get(&target(limit, Some(&at_200))).await.unwrap().status, status, "{limit}");
    }
    let at_250 = cursor_after(client.get(&target(50, Some(&at_200))).await.unwrap().json());
    assert_eq!(client.get(&target(1, Some(&at_250))).await.unwrap().status, 500);
    assert_eq!(host.faults().fired(poison), 4);
    let poisoned = world(1000).listed_account(250).unwrap().did;
    assert_eq!((servable(&host).len(), servable(&host).contains(&poisoned)), (999, false));
    let ledger = host.page_requests();
    assert_eq!(
        (ledger[1].status, ledger[1].rows, ledger[1].faults.as_slice()),
        (500, 0, &["page-status"][..])
    );
    assert_eq!((ledger[4].rows, ledger[4].places), (50, Some((200, 249))));
}

/// A fault as it is written, and whether an answer shows it.
type Check = (&'static str, fn(&Answer) -> bool);

#[tokio::test]
async fn every_fault_of_a_whole_page_happens_as_planned_and_is_counted() {
    let checks: [Check; 11] = [
        ("page-status:503", |answer| answer.status == 503),
        ("page-html", |answer| answer.status == 200 && answer.body.starts_with(b"<!doctype")),
        ("page-retry-after:7", |answer| answer.status == 429 && answer.header("Retry-After") == Some("7")),
        ("page-retry-date:7", |answer| answer.header("Retry-After").unwrap().ends_with(" GMT")),
        ("page-rate-reset:7", |answer| {
            let reset: u64 = answer.header("RateLimit-Reset").unwrap().parse().unwrap();
            reset > 1_700_000_000 && answer.header("RateLimit-Remaining") == Some("0")
        }),
        ("page-too-many", |answer| answer.status == 429 && answer.header("Retry-After").is_none()),
        ("page-redirect:http://10.0.0.1", |answer| {
            let location = answer.header("Location").unwrap();
            answer.status == 302 && location == "http://10.0.0.1/xrpc/com.atproto.sync.listRepos?limit=10"
        }),
        ("page-oversized", |answer| answer.body.len() > 6_000_000 && answer.json()["repos"].is_array()),
        ("page-null-repos", |answer| answer.json().get("repos") == Some(&Value::Null)),
        ("page-no-repos", |answer| answer.json().get("repos").is_none()),
        ("page-empty-cursor", |answer| answer.json()["cursor"] == ""),
    ];
    let host = host(ListingSettings::relay(world(100)));
    let mut client = Client::of(&host).await;
    for (text, is_so) in checks {
        let fault = host.faults().add(format!("{text}*1").parse().unwrap());
        let answer = client.get(&target(10, None)).await.unwrap();
        assert!(is_so(&answer), "{text}: {} {}", answer.head, String::from_utf8_lossy(&answer.body));
        assert_eq!(host.faults().fired(fault), 1, "{text}");
        let sound = client.get(&target(10, None)).await.unwrap().json();
        assert_eq!(sound["repos"].as_array().unwrap().len(), 10, "{text}");
    }
    for text in ["page-cut*1", "page-reset*1"] {
        let fault = host.faults().add(text.parse().unwrap());
        assert!(client.get(&target(10, None)).await.is_none(), "{text}");
        assert_eq!(host.faults().fired(fault), 1, "{text}");
        let ledger = host.page_requests();
        assert!(!ledger.last().unwrap().answered, "{text}");
        client = Client::of(&host).await;
    }
}

#[tokio::test]
async fn a_stalled_page_is_not_answered_until_the_client_leaves() {
    let host = host(ListingSettings::relay(world(100)));
    for text in ["page-stall*1", "page-stall-body*1"] {
        let before = host.page_requests().len();
        let fault = host.faults().add(text.parse().unwrap());
        let mut client = Client::of(&host).await;
        {
            let answer = std::pin::pin!(client.get(LIST_REPOS));
            tokio::select! {
                _ = answer => panic!("answered in spite of {text}"),
                () = host.faults().until_fired(fault, 1) => {}
            }
        }
        drop(client);
        let ended = |connections: &[standpipe_simulator::Connection]| {
            connections.iter().all(|one| one.ended.is_some())
        };
        timeout(Duration::from_secs(20), host.until(ended)).await.unwrap();
        assert!(!host.page_requests()[before].answered, "{text}");
    }
}

#[tokio::test]
async fn an_empty_page_leads_on_and_a_repeated_cursor_does_not() {
    for rules in [ListingRules::RELAY, ListingRules::PDS, ListingRules::OTHER] {
        let host = host(ListingSettings { rules, ..ListingSettings::relay(world(500)) });
        let empty =
            host.faults().add(Rule::each_page(PageFault::Shape(PageShape::EmptyPage)).on_connections(1..4));
        let pages = all_pages(&host, 100).await;
        assert_eq!(host.faults().fired(empty), 3);
        assert_eq!(dids(&pages), servable(&host));
        assert_eq!(pages.iter().map(|(rows, _)| rows.len()).take(5).collect::<Vec<_>>(), [100, 0, 0, 0, 100]);
        let cursors: HashSet<_> = pages.iter().filter_map(|(_, next)| next.clone()).collect();
        assert_eq!(cursors.len(), pages.iter().filter(|(_, next)| next.is_some()).count());

        host.faults().add(Rule::each_page(PageFault::Shape(PageShape::RepeatedCursor)).times(1));
        let mut client = Client::of(&host).await;
        let first = client.get(&target(100, None)).await.unwrap().json();
        let cursor = first["cursor"].as_str().unwrap();
        let second = client.get(&target(100, Some(cursor))).await.unwrap().json();
        assert_eq!(second["cursor"], first["cursor"]);
        assert_ne!(second["repos"], first["repos"]);
    }
}

#[tokio::test]
async fn flawed_rows_are_flawed_on_every_page_and_the_oracle_knows_which_are_lost() {
    let host = host(ListingSettings::pds(world(100), Share::ALL));
    let bad = host.faults().add(Rule::every_rows(20, PageFault::Row(RowFlaw::BadDid)));
    host.faults().add(Rule::on_row(3, PageFault::Row(RowFlaw::NoActive)));
    host.faults().add(Rule::on_row(4, PageFault::Row(RowFlaw::EmptyRev)));
    host.faults().add(Rule::on_row(5, PageFault::Row(RowFlaw::NoTid)));
    for limit in [100, 7] {
        let pages = all_pages(&host, limit).await;
        let listed = dids(&pages);
        let sound: Vec<String> = listed.iter().filter(|did| did.starts_with("did:")).cloned().collect();
        assert_eq!((listed.len(), sound.len()), (100, 95));
        assert_eq!(sound, servable(&host));
        let rows: Vec<&Value> = pages.iter().flat_map(|(rows, _)| rows).collect();
        assert_eq!(
            (rows[3].get("active"), &rows[4]["rev"], &rows[5]["rev"]),
            (None, &"".into(), &"1".into())
        );
    }
    assert!(host.faults().fired(bad) > 5);
}

#[tokio::test]
async fn drawn_faults_are_the_same_for_the_same_seed() {
    let drawn = async |seed: u64| {
        let host = host(ListingSettings::relay(world(10)));
        host.faults().add(Rule::random_pages(300, seed, PageFault::TooMany(Retry::Unsaid)));
        let mut client = Client::of(&host).await;
        let mut statuses = Vec::new();
        for _ in 0..200 {
            statuses.push(client.get(LIST_REPOS).await.unwrap().status);
        }
        statuses
    };
    let first = drawn(7).await;
    let refused = first.iter().filter(|status| **status == 429).count();
    assert!((30..90).contains(&refused), "{refused}");
    assert_eq!(first, drawn(7).await);
    assert_ne!(first, drawn(8).await);
}

#[tokio::test]
async fn a_host_without_lists_says_so() {
    let host = Relay::start(Feed::canned(Vec::new()), RelaySettings::default()).unwrap();
    assert_eq!(Client::of(&host).await.get(LIST_REPOS).await.unwrap().status, 501);
}
