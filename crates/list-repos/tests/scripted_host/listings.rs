//! The other enumerations, by the same walk.

use standpipe_list_repos::{Hosts, PageLimit, Poison, Repos, ReposByCollection, Through};
use standpipe_pipeline::{Remedy, Transient};

use crate::answers::Answer;
use crate::host::Host;
use crate::notes::{Steered, cursor, settings};

#[tokio::test]
async fn a_relays_hosts_are_listed() {
    let host = Host::new(|asked| match asked.cursor.as_deref() {
        None => Answer::json(
            r#"{"hosts":[{"hostname":"127.0.0.1:2583","accountCount":7,"seq":9,"status":"active"},{"hostname":"a b"}],
                "cursor":"1"}"#,
        ),
        Some(_) => Answer::json(r#"{"hosts":[{"hostname":"pds.bsky.network","status":"banned"}]}"#),
    });
    let mut walk = Steered::open(&Hosts, &host.written(), &settings(), None).unwrap();
    let page = walk.next().await.unwrap().unwrap();
    assert!(walk.walk.host_is_private(), "so a neighbour may be named");
    assert_eq!(
        (page.rows.hosts()[0].hostname.as_str(), page.rows.hosts()[0].account_count),
        ("127.0.0.1:2583", Some(7))
    );
    assert_eq!(cursor(&page.through).as_deref(), Some("1"));
    let page = walk.next().await.unwrap().unwrap();
    assert!(page.rows.hosts()[0].is_banned() && page.through == Through::End);
    assert_eq!(host.asked()[0].path, "/xrpc/com.atproto.sync.listHosts");
}

#[tokio::test]
async fn the_repos_of_a_collection_are_listed_and_its_cursors_are_escaped() {
    let host = Host::new(|asked| match asked.cursor.as_deref() {
        None => Answer::json(r#"{"repos":[{"did":"did:plc:a"}],"cursor":"ab+/=="}"#),
        Some("ab+/==") => Answer::json(r#"{"repos":[{"did":"did:plc:b"}]}"#),
        Some(other) => panic!("{other}"),
    });
    let listing = ReposByCollection { collection: "app.bsky.feed.post".to_owned() };
    let mut walk = Steered::open(&listing, &host.written(), &settings(), None).unwrap();
    let mut read = Vec::new();
    while let Some(page) = walk.next().await.unwrap() {
        read.extend(crate::notes::dids(&page.rows));
    }
    assert_eq!(read, ["did:plc:a", "did:plc:b"]);
    let asked = host.asked();
    assert_eq!(asked[0].path, "/xrpc/com.atproto.sync.listReposByCollection");
    assert_eq!(asked[1].query, "collection=app.bsky.feed.post&limit=1000&cursor=ab%2B%2F%3D%3D");
}

#[tokio::test]
async fn a_limit_is_held_below_what_the_method_takes() {
    let host = Host::new(|asked| Answer::json(format!(r#"{{"repos":[],"limit":{}}}"#, asked.limit)));
    let mut settings = settings();
    settings.limit = PageLimit::new(2000).unwrap();
    Steered::open(&Repos, &host.written(), &settings, None).unwrap().read_to_the_end().await.unwrap();
    let listing = ReposByCollection { collection: "a.b.c".to_owned() };
    Steered::open(&listing, &host.written(), &settings, None).unwrap().next().await.unwrap();
    assert_eq!(host.asked().iter().map(|asked| asked.limit).collect::<Vec<_>>(), [1000, 2000]);
}

#[tokio::test]
async fn what_no_request_can_be_made_of_is_said_when_it_is_opened() {
    let mut unfit = settings();
    unfit.user_agent = "a\r\nX-Injected: b".to_owned();
    let error = Steered::open(&Repos, "relay.org", &unfit, None).err().unwrap();
    assert_eq!((error.label(), error.remedy()), ("setup", Remedy::Fail));
    assert_eq!(
        error.to_string(),
        "set up the HTTP client for relay.org: check the user agent and the TLS settings"
    );
    let error = Steered::open(&Repos, "xn--a.org", &settings(), None).err().unwrap();
    assert_eq!((error.label(), error.remedy()), ("host", Remedy::Fail));
}

#[tokio::test]
async fn a_collections_cursor_that_its_host_cannot_read_is_held_and_never_skipped() {
    // `DatabaseError` with a 500 is all that such a host says of it.
    let host = Host::new(|asked| match asked.cursor.as_deref() {
        None => Answer::json(r#"{"repos":[{"did":"did:plc:a"}],"cursor":"next"}"#),
        Some(_) => Answer::status(500, r#"{"error":"DatabaseError","message":"failed to list repos"}"#),
    });
    let listing = ReposByCollection { collection: "a.b.c".to_owned() };
    let mut settings = settings();
    settings.poison = Poison::SkipRow { at_most: 1000 };
    let mut walk = Steered::open(&listing, &host.written(), &settings, Some("foreign")).unwrap();
    let error = walk.next().await.unwrap_err();
    assert_eq!(error.label(), "poison_page");
    assert!(matches!(error.remedy(), Remedy::Hold(_)));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("DatabaseError"), "{source}");
}
