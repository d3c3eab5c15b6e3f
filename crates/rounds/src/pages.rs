use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use standpipe_list_repos::{Advance, ListError, Listing, Page, RepoRows, Walk};
use standpipe_pipeline::Source;
use tokio::time::{Instant, sleep_until};

use crate::turns::Turn;

/// A wait that is shorter is no reason to give a turn to others: to take a host up again costs a connection to the sink.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// How often one who rests looks whether others want its turn.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The pages of one turn; none, where all is done.
pub(crate) struct Pages<L: Listing> {
    walk: Option<Walk<L>>,
    turn: Arc<Turn>,
    aside: Aside<L>,
    /// A page was given in this turn, and since then nothing had to be waited for that the host or our backoff has set.
    is_behind_a_page: bool,
}

/// A walk that had to be interrupted, with what it has learned of its host. Clones are one.
pub(crate) struct Aside<L: Listing>(Arc<Mutex<Option<Left<L>>>>);

struct Left<L: Listing> {
    walk: Walk<L>,
    /// Before then the host is not asked.
    until: Instant,
}

impl<L: Listing> Pages<L> {
    pub(crate) fn none(turn: Arc<Turn>) -> Self {
        Self { walk: None, turn, aside: Aside::default(), is_behind_a_page: false }
    }

    pub(crate) fn of(walk: Walk<L>, turn: Arc<Turn>, aside: Aside<L>) -> Self {
        Self { walk: Some(walk), turn, aside, is_behind_a_page: false }
    }

    /// Lays the walk aside: this is the end of the pages, though not of the list. A walk that is at the end of its list is
    /// not taken up again, so it is let go.
    async fn lay_aside(&mut self, until: Instant) {
        if let Some(mut walk) = self.walk.take().filter(|walk| !walk.has_ended()) {
            walk.park().await;
            self.aside.lay(walk, until);
        }
    }
}

impl<L: Listing<Rows = RepoRows>> Source for Pages<L> {
    type Item = Page<RepoRows>;
    type Error = ListError;

    async fn next(&mut self) -> Result<Option<Self::Item>, ListError> {
        loop {
            // Something else is asked of the host only between two pages, so that the list goes on, and no wait is cut short.
            if self.turn.is_over() || (self.is_behind_a_page && self.turn.is_due_elsewhere()) {
                self.lay_aside(Instant::now()).await;
            }
            let Some(walk) = &mut self.walk else { return Ok(None) };
            let advanced = tokio::select! {
                biased;
                advanced = walk.advance() => advanced?,
                never = self.turn.step_aside_when_silent() => match never {},
            };
            match advanced {
                Advance::Page(page) => {
                    self.is_behind_a_page = true;
                    return Ok(Some(page));
                }
                Advance::End => return Ok(None),
                Advance::Rest(until) => {
                    self.is_behind_a_page = false;
                    let now = Instant::now();
                    if self.turn.is_wanted() && until > now + SHORT_WAIT {
                        self.lay_aside(until).await;
                    } else {
                        sleep_until(until.min(now + LOOK_EVERY)).await;
                    }
                }
            }
        }
    }

    async fn park(&mut self) {
        if let Some(walk) = &mut self.walk {
            walk.park().await;
        }
    }
}

impl<L: Listing> Aside<L> {
    fn lay(&self, walk: Walk<L>, until: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Left { walk, until });
    }

    /// Until when the host is left alone, if its walk was laid aside.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|left| left.until)
    }

    /// Takes the walk up again, if one was laid aside.
    pub(crate) fn take_up(&self) -> Option<Walk<L>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().map(|left| left.walk)
    }
}

impl<L: Listing> Clone for Aside<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L: Listing> Default for Aside<L> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use standpipe_list_repos::{Repos, Through};
    use standpipe_pipeline::Silent;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::{advance, pause, resume, timeout};

    use super::*;
    use crate::Turns;
    use crate::scripted::on_loopback;

    /// A walk through the list of a host that has two pages.
    async fn walk() -> Walk<Repos> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        #[expect(clippy::disallowed_methods, reason = "the other side of the wire is not ours to supervise")]
        tokio::spawn(async move {
            loop {
                // One request a connection: those that are given up take theirs along.
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                let is_second = str::from_utf8(&request[..length]).unwrap().contains("cursor=1");
                let page = if is_second { LAST } else { MORE };
                let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}", page.len());
                // Nobody may be there any more.
                drop(stream.write_all(format!("{head}\r\n\r\n{page}").as_bytes()).await);
            }
        });
        let settings = on_loopback();
        Walk::open(&Repos, &settings, &host, None, Silent::shared()).unwrap()
    }

    const MORE: &str = r#"{"repos":[{"did":"did:plc:a"}],"cursor":"1"}"#;
    const LAST: &str = r#"{"repos":[{"did":"did:plc:b"}]}"#;

    #[tokio::test]
    async fn a_list_that_is_at_its_end_is_not_laid_aside() {
        timeout(Duration::from_mins(3), read_in_two_turns()).await.unwrap();
    }

    async fn read_in_two_turns() {
        let turns = Turns::new(1);
        let turn = Arc::new(turns.free().unwrap());
        let mut waiting = Box::pin(turns.next());
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("there is one place"),
            () = std::future::ready(()) => {}
        }
        // Its turn is over between two pages.
        let over = async || {
            pause();
            advance(Duration::from_mins(1)).await;
            resume();
        };
        let aside = Aside::default();
        let mut pages = Pages::of(walk().await, Arc::clone(&turn), aside.clone());
        let page = pages.next().await.unwrap().unwrap();
        assert!(matches!(page.through, Through::Cursor(_)));
        over().await;
        assert!(pages.next().await.unwrap().is_none() && aside.until().is_some());

        drop((waiting, turn, pages));
        let turn = Arc::new(turns.free().unwrap());
        let mut pages = Pages::of(aside.take_up().unwrap(), Arc::clone(&turn), aside.clone());
        assert_eq!(pages.next().await.unwrap().unwrap().through, Through::End);
        let mut waiting = Box::pin(turns.next());
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("there is one place"),
            () = std::future::ready(()) => {}
        }
        over().await;
        assert!(turn.is_over() && pages.next().await.unwrap().is_none());
        // Else its round would go on for ever, with nothing left to read.
        assert!(aside.until().is_none());
    }
}
