//! Labelers that are named by their DIDs: where they are, and that they move.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use standpipe_identity::{Bounds, FollowError, Followed, Residence, WebReach};
use standpipe_pipeline::{Never, Remedy, Source, Transient};
use tokio::time::{Instant, timeout};

use crate::issuer::{DID, Issuer};
use crate::web_host::{Reply, WebHost, pass};

const HERE: &str = "https://here.example.com";
const THERE: &str = "https://there.example.com";

fn document(url: &str) -> String {
    Issuer::k256(1).document(DID).replace("https://labels.example.com", url)
}

/// A directory that says what stands at the place that is chosen.
struct Directory {
    host: WebHost,
    chosen: Arc<AtomicUsize>,
}

impl Directory {
    fn new(replies: Vec<Reply>) -> Self {
        let chosen = Arc::<AtomicUsize>::default();
        let choice = Arc::clone(&chosen);
        let host = WebHost::new(move |_, _| replies[choice.load(Ordering::SeqCst)].clone());
        Self { host, chosen }
    }

    fn says(&self, place: usize) {
        self.chosen.store(place, Ordering::SeqCst);
    }

    fn residence(&self, reach: WebReach) -> Arc<Residence> {
        Arc::new(Residence::new(self.host.resolver(Bounds::default()), DID, reach))
    }
}

/// Never says anything.
#[derive(Debug)]
struct Quiet;

impl Source for Quiet {
    type Item = u32;
    type Error = Never;

    async fn next(&mut self) -> Result<Option<u32>, Never> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_labeler_is_where_its_document_says_and_is_looked_for_again_where_it_is_missed() {
    let replies = vec![Reply::ok(document(HERE)), Reply::ok(document(THERE)), Reply::status(500, "", "")];
    let directory = Directory::new(replies);
    let residence = directory.residence(WebReach::Public);
    assert_eq!(residence.find().await.unwrap().http_url(""), HERE);
    directory.says(1);
    residence.was_reached(true);
    pass(Duration::from_mins(1)).await;
    assert_eq!(residence.find().await.unwrap().http_url(""), HERE, "it was reached there");
    assert_eq!(directory.host.requests().len(), 1);

    residence.was_reached(false);
    assert_eq!(residence.find().await.unwrap().http_url(""), THERE);
    assert_eq!(directory.host.requests().len(), 2);
    residence.was_reached(false);
    assert_eq!(residence.find().await.unwrap().http_url(""), THERE);
    assert_eq!(directory.host.requests().len(), 2, "a host that is down is no flood of lookups");

    directory.says(2);
    pass(Duration::from_secs(10)).await;
    assert_eq!(residence.find().await.unwrap().http_url(""), THERE, "what is known is as good");
    assert_eq!(directory.host.requests().len(), 3);
}

#[tokio::test]
async fn a_labeler_that_cannot_be_found_says_what_to_do_and_holds_no_cursor() {
    let long = Remedy::RetryAfter(Duration::from_mins(5));
    let no_labeler = format!(r#"{{"id":"{DID}","service":[]}}"#);
    for (reply, label, remedy) in [
        (Reply::status(404, "", ""), "not_found", long),
        (Reply::ok("<html>"), "document", long),
        (Reply::status(503, "", ""), "status", Remedy::Retry),
        (Reply::ok(no_labeler), "no_labeler", long),
        (Reply::ok(document("http://here.example.com")), "plain_text", long),
    ] {
        let directory = Directory::new(vec![reply]);
        let error = directory.residence(WebReach::Public).find().await.unwrap_err();
        assert_eq!((error.label(), error.remedy()), (label, remedy));
        assert!(error.to_string().starts_with(&format!("find the labeler {DID}")), "{error}");
    }
    let directory = Directory::new(vec![Reply::ok(document("http://127.0.0.1:7"))]);
    let residence = directory.residence(WebReach::PrivateNetwork);
    let found = residence.find().await.unwrap();
    assert_eq!(found.http_url(""), "http://127.0.0.1:7");
    assert!(residence.permits()("127.0.0.1".parse().unwrap()));
    assert!(!directory.residence(WebReach::Public).permits()("127.0.0.1".parse().unwrap()));
}

#[tokio::test]
async fn a_connection_ends_when_the_labeler_has_moved_and_not_before() {
    let replies = vec![Reply::ok(document(HERE)), Reply::status(500, "", ""), Reply::ok(document(THERE))];
    let mut directory = Directory::new(replies);
    let residence = directory.residence(WebReach::Public);
    let here = residence.find().await.unwrap();
    directory.host.arrivals.recv().await.unwrap();
    let every = Duration::from_millis(40);
    let mut followed = Followed::at(Quiet, residence, here, every);
    let began = Instant::now();
    for place in [0, 1] {
        directory.says(place);
        let two_looks = async {
            for _ in 0..2 {
                directory.host.arrivals.recv().await.unwrap();
            }
        };
        tokio::select! {
            ended = followed.next() => panic!("{ended:?}"),
            () = two_looks => {}
        }
    }
    assert!(began.elapsed() >= 2 * every, "looks are apart");
    directory.says(2);
    let ended = timeout(Duration::from_secs(30), followed.next()).await.unwrap().unwrap_err();
    assert_eq!(ended.to_string(), format!("read on: the labeler has moved from {HERE} to {THERE}"));
    assert_eq!(ended.remedy(), Remedy::Retry);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_an_operator_wrote_is_not_looked_at() {
    let mut stays = Followed::stays(Quiet);
    let ended: Result<Result<Option<u32>, FollowError<Never>>, _> =
        timeout(Duration::from_hours(24 * 365), stays.next()).await;
    assert!(ended.is_err());
}
