//! Redirects, as far as they are followed.

use standpipe_list_repos::{Reach, Repos};

use crate::answers::Answer;
use crate::host::Host;
use crate::notes::{Steered, repos, settings};

/// A host that redirects its first requests so often to itself, then answers.
fn redirecting(times: usize, status: u16) -> Host {
    Host::new(move |asked| {
        if asked.number <= times {
            Answer::status(status, "").with("location", format!("/xrpc/other?{}", asked.query))
        } else {
            Answer::page(["did:plc:a"], "")
        }
    })
}

#[tokio::test]
async fn three_redirects_are_followed_with_their_query() {
    for status in [301, 302, 303, 307, 308] {
        let host = redirecting(3, status);
        assert_eq!(repos(&host, &settings()).read_to_the_end().await.unwrap(), [["did:plc:a"]], "{status}");
        let last = host.asked().pop().unwrap();
        assert_eq!((last.path.as_str(), last.limit), ("/xrpc/other", 1000));
    }
}

#[tokio::test]
async fn the_fourth_redirect_is_one_too_many() {
    let host = redirecting(4, 302);
    let (_, error) = repos(&host, &settings()).read_to_the_error().await;
    assert_eq!(error.label(), "refused");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "follow a redirect: it is one more than 3");
    assert_eq!(host.asked().len(), 4);
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_not_followed() {
    for (location, why) in [
        ("", "it has no usable Location"),
        ("http://[", "it has no usable Location"),
        ("file:///etc/passwd", "its scheme is not of HTTP"),
        ("http://user:secret@127.0.0.1/", "it carries credentials"),
    ] {
        let host = Host::new(move |_| {
            let redirect = Answer::status(302, "");
            if location.is_empty() { redirect } else { redirect.with("location", location) }
        });
        let (_, error) = repos(&host, &settings()).read_to_the_error().await;
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.ends_with(why), "{location}: {source}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}

#[tokio::test]
async fn a_host_at_a_private_address_that_an_operator_wrote_may_lead_to_its_neighbour() {
    let neighbour = Host::new(|_| Answer::page(["did:plc:n"], ""));
    let there = format!("{}/xrpc/x", neighbour.written());
    let host = Host::new(move |_| Answer::status(307, "").with("location", there.clone()));
    assert_eq!(repos(&host, &settings()).read_to_the_end().await.unwrap(), [["did:plc:n"]]);
}

#[tokio::test]
async fn a_host_that_the_network_told_is_not_connected_to_at_a_private_address() {
    let host = Host::new(|_| Answer::page(["did:plc:a"], ""));
    let mut settings = settings();
    settings.reach = Reach::Public;
    for written in [host.written(), format!("http://localhost:{}", host.address().port())] {
        let mut walk = Steered::open(&Repos, &written, &settings, None).unwrap();
        let (_, error) = walk.read_to_the_error().await;
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.ends_with("which is no public address"), "{source}");
        assert!(!walk.walk.host_is_private());
    }
    assert!(host.asked().is_empty());
}
