//! The client's side of a test: settings, what was observed, and waits that are cut short.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use standpipe_cursor::Cursor;
use standpipe_list_repos::{
    Bounds, ListError, ListRepos, Listing, Page, PageLimit, Poison, Reach, RepoRows, Repos, Settings,
    Through, Walk,
};
use standpipe_pipeline::{Observation, Observer, Source};
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{advance, pause, resume};

use crate::host::Host;

pub(crate) fn settings() -> Settings {
    Settings {
        user_agent: "standpipe/test (+ops@example.com)".to_owned(),
        tls: trusting(RootCertStore::empty()),
        reach: Reach::Written,
        limit: PageLimit::default(),
        poison: Poison::Hold,
        bounds: Bounds::default(),
    }
}

pub(crate) fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// What was observed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Note {
    Connecting,
    Answered { pages: u64, rows: usize },
    Waiting { reason: &'static str, wait: Duration, cause: Option<String> },
    Gap { from: u64, to: u64 },
    Quarantined { reason: &'static str, row: String },
}

struct Notebook {
    notes: Mutex<Vec<Note>>,
    waits: mpsc::UnboundedSender<Duration>,
}

impl Observer for Notebook {
    fn observe(&self, observation: Observation<'_>) {
        let note = if let Observation::Connecting = observation {
            Note::Connecting
        } else if let Observation::Answered { pages, rows, .. } = observation {
            Note::Answered { pages, rows }
        } else if let Observation::Waiting { reason, wait, cause } = observation {
            self.waits.send(wait).unwrap();
            Note::Waiting { reason, wait, cause: cause.map(ToString::to_string) }
        } else if let Observation::Gap { from: Some(from), to: Some(to), .. } = observation {
            Note::Gap { from: from.number(), to: to.number() }
        } else if let Observation::Quarantined { reason, seq: None, frame } = observation {
            Note::Quarantined { reason, row: String::from_utf8_lossy(frame).into_owned() }
        } else {
            panic!("{observation:?}")
        };
        self.notes.lock().unwrap().push(note);
    }
}

/// A walk whose waits pass at once.
pub(crate) struct Steered<L: Listing> {
    pub(crate) walk: Walk<L>,
    book: Arc<Notebook>,
    waits: mpsc::UnboundedReceiver<Duration>,
}

/// A walk through the repos of a host, from the beginning.
pub(crate) fn repos(host: &Host, settings: &Settings) -> Steered<Repos> {
    Steered::open(&Repos, &host.written(), settings, None).unwrap()
}

impl<L: Listing> Steered<L> {
    pub(crate) fn open(
        listing: &L,
        host: &str,
        settings: &Settings,
        from: Option<&str>,
    ) -> Result<Self, ListError> {
        let (sender, waits) = mpsc::unbounded_channel();
        let book = Arc::new(Notebook { notes: Mutex::default(), waits: sender });
        let from = from.map(|from| Cursor::parse(from).unwrap());
        let observer: Arc<dyn Observer> = Arc::<Notebook>::clone(&book);
        let walk = Walk::open(listing, settings, &host.parse().unwrap(), from, observer)?;
        Ok(Self { walk, book, waits })
    }

    /// The next page. The clock is moved on by each wait that is told.
    pub(crate) async fn next(&mut self) -> Result<Option<Page<L::Rows>>, ListError> {
        let Self { walk, waits, .. } = self;
        let mut next = pin!(walk.next());
        loop {
            select! {
                biased;
                outcome = &mut next => return outcome,
                Some(wait) = waits.recv() => pass(wait).await,
            }
        }
    }

    pub(crate) fn notes(&self) -> Vec<Note> {
        self.book.notes.lock().unwrap().clone()
    }

    /// Why and how long it waited, so far.
    pub(crate) fn waits(&self) -> Vec<(&'static str, Duration)> {
        let of =
            |note| if let Note::Waiting { reason, wait, .. } = note { Some((reason, wait)) } else { None };
        self.notes().into_iter().filter_map(of).collect()
    }

    /// Why it waited, so far.
    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        self.waits().into_iter().map(|(reason, _)| reason).collect()
    }
}

impl Steered<Repos> {
    /// Reads to the end: the DIDs, page by page.
    pub(crate) async fn read_to_the_end(&mut self) -> Result<Vec<Vec<String>>, ListError> {
        let mut pages = Vec::new();
        while let Some(page) = self.next().await? {
            pages.push(dids(&page.rows));
        }
        Ok(pages)
    }

    /// Reads until it cannot go on.
    pub(crate) async fn read_to_the_error(&mut self) -> (Vec<Vec<String>>, ListError) {
        let mut pages = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(page)) => pages.push(dids(&page.rows)),
                Ok(None) => panic!("it came to an end, with {pages:?}"),
                Err(error) => return (pages, error),
            }
        }
    }
}

/// Looks at a future once.
pub(crate) async fn poll<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// Moves the clock on.
pub(crate) async fn pass(wait: Duration) {
    pause();
    advance(wait).await;
    resume();
}

pub(crate) fn dids(rows: &RepoRows) -> Vec<String> {
    rows.iter().map(|row| row.did.to_owned()).collect()
}

pub(crate) fn cursor(through: &Through) -> Option<String> {
    match through {
        Through::Cursor(cursor) => Some(cursor.to_string()),
        Through::End => None,
    }
}

/// A walk that nobody observes.
pub(crate) fn unobserved(host: &Host) -> ListRepos {
    let endpoint = host.written().parse().unwrap();
    Walk::open(&Repos, &settings(), &endpoint, None, standpipe_pipeline::Silent::shared()).unwrap()
}
