//! The other enumerations, by the same walk.

use standpipe_list_repos::{Hosts, ReposByCollection, Through};

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
        assert_eq!(page.rows.noted().total(), 0, "a row without a rev is no irregular one here");
        read.extend(crate::notes::dids(&page.rows));
    }
    assert_eq!(read, ["did:plc:a", "did:plc:b"]);
    let asked = host.asked();
    assert_eq!(asked[0].path, "/xrpc/com.atproto.sync.listReposByCollection");
    assert_eq!(asked[1].query, "collection=app.bsky.feed.post&limit=1000&cursor=ab%2B%2F%3D%3D");
}
