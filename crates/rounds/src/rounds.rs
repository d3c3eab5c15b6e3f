use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use standpipe_cursor::{CursorError, CursorKey, CursorStore, Endpoint};
use standpipe_daemon::ingest::{Ingest, Reader};
use standpipe_daemon::{HostLedger, Prober};
use standpipe_list_repos::{Listing, RepoRows, Settings};
use standpipe_pipeline::{Acquire, Limits, Observer};
use standpipe_projection::ListedRepoSettings;
use standpipe_supervisor::{ChildResult, Done, Scope, State, Trouble};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;

use crate::account::Account;
use crate::counting::Counting;
use crate::estimate;
use crate::feed::{Ending, ListFeed, Tail};
use crate::mark::{self, ByMark, Place};

/// How often somebody who watches is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Reads one host in rounds: everything once, then what is new now and then, and everything again where that is asked
/// for. Each kind has a cursor of its own, so that none disturbs what another has reached.
///
/// It lives as long as the child, over all of its incarnations.
#[derive(Debug)]
pub struct Rounds<L> {
    /// The list that is read.
    pub listing: L,
    /// How pages are asked for.
    pub settings: Settings,
    /// Whose list it is.
    pub host: Endpoint,
    /// Which rows become entries.
    pub repos: ListedRepoSettings,
    /// Under which name the cursor of the first round is stored; those of the others are beside it.
    pub key: CursorKey,
    /// What bounds batches and waiting.
    pub limits: Limits,
    /// Looks at both sides before the host is tried again.
    pub prober: Prober,
    /// The local folder for the count of what was listed.
    pub state: PathBuf,
    /// How often the host is asked for what is new, once all was listed; never without.
    pub interval: Option<Duration>,
    /// How long after the end of an enumeration the next one begins; never without.
    pub again: Option<Duration>,
    /// Whether the host is asked how many repos it may have.
    pub estimates: bool,
    /// The places of those that are asked at the same time.
    pub turns: Arc<Semaphore>,
}

/// One kind of round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Everything, once.
    First,
    /// Everything, again.
    Again,
    /// What is new behind the end.
    New,
}

impl Round {
    fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Again => "again",
            Self::New => "new",
        }
    }
}

impl<L: Listing<Rows = RepoRows> + Clone + Sync> Reader for Rounds<L> {
    async fn read<A: Acquire + CursorStore + Clone + 'static>(
        &self,
        sinks: impl Fn(Arc<dyn Observer>) -> A + Clone + Send + Sync + 'static,
        ledger: Arc<HostLedger>,
        scope: Scope,
    ) -> ChildResult {
        let whole = Account::open(&self.state, &self.key, Arc::clone(&ledger)).await;
        let new = Account::open(&self.state, &self.key(Round::New), Arc::clone(&ledger)).await;
        let store = sinks(Arc::clone(&ledger) as _);
        if self.estimates {
            estimate::ask(&self.settings, &self.host, &ledger, &scope);
        }
        if io::stdout().is_terminal() {
            progress(&ledger, &scope);
        }
        let mut round = Round::First;
        loop {
            let account = if round == Round::New { new.clone() } else { whole.clone() };
            match self.round(round, account, &sinks, &ledger, &scope).await? {
                Done::Finished => {}
                other @ Done::Stopped => return Ok(other),
            }
            let Some((next, at)) = self.next(&whole, &store).await? else { return Ok(Done::Finished) };
            scope.set_state(State::Waiting);
            scope.waiting_for("the next round");
            let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
            tokio::select! {
                biased;
                () = scope.stopped() => return Ok(Done::Stopped),
                () = sleep(wait) => round = next,
            }
            if round == Round::Again {
                self.begin_again(&store).await?;
            }
        }
    }
}

impl<L: Listing<Rows = RepoRows> + Clone + Sync> Rounds<L> {
    fn key(&self, round: Round) -> CursorKey {
        match round {
            Round::First => self.key.clone(),
            Round::Again | Round::New => self.key.beside(round.word()),
        }
    }

    async fn round<A: Acquire + CursorStore + Clone + 'static>(
        &self,
        round: Round,
        account: Account,
        sinks: &(impl Fn(Arc<dyn Observer>) -> A + Send + Sync),
        ledger: &Arc<HostLedger>,
        scope: &Scope,
    ) -> ChildResult {
        let tail = Tail::default();
        let ending = if round == Round::New { Ending::Tail } else { Ending::Done };
        let feed = ListFeed {
            listing: self.listing.clone(),
            settings: self.settings.clone(),
            host: self.host.clone(),
            repos: self.repos.clone(),
            ending,
            tail: tail.clone(),
        };
        let counting = |observer| Counting {
            sinks: sinks(observer),
            round: round.word(),
            account: account.clone(),
            tail: (ending == Ending::Done).then(|| (self.key(Round::New), tail.clone())),
        };
        let Some(_turn) = self.turn(scope).await else { return Ok(Done::Stopped) };
        let ingest = Ingest::by(ByMark, self.key(round), self.limits).probing(self.prober.clone());
        ingest.run(&feed, counting, Arc::clone(ledger) as _, scope.clone()).await
    }

    /// Waits for a place among those that are asked at the same time; `None` if the child shall stop first.
    async fn turn(&self, scope: &Scope) -> Option<SemaphorePermit<'_>> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Some(turn);
        }
        scope.set_state(State::Waiting);
        scope.waiting_for("its turn among the hosts");
        tokio::select! {
            biased;
            () = scope.stopped() => None,
            turn = self.turns.acquire() => turn.ok(),
        }
    }

    /// What comes next, and when.
    async fn next(
        &self,
        whole: &Account,
        store: &impl CursorStore,
    ) -> Result<Option<(Round, Timestamp)>, Trouble> {
        let now = Timestamp::now();
        let after = |at: Timestamp, wait: Duration| {
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            at.checked_add(wait).unwrap_or(Timestamp::MAX)
        };
        let new = self.interval.map(|interval| (Round::New, after(now, interval)));
        let Some(pause) = self.again else { return Ok(new) };
        let again = match self.reached(store).await? {
            // One is under way.
            Some(Place::Behind(_) | Place::Tail { .. }) => now,
            Some(Place::Done) | None => after(whole.done_at().await, pause),
        };
        Ok([new, Some((Round::Again, again))].into_iter().flatten().min_by_key(|(_, at)| *at))
    }

    /// How far the enumeration is that gives everything again; `None` where there never was one.
    async fn reached(&self, store: &impl CursorStore) -> Result<Option<Place>, Trouble> {
        let stored = store.load(&self.key(Round::Again)).await.map_err(trouble)?;
        stored.map(|stored| Place::of(Some(&stored))).transpose().map_err(trouble)
    }

    async fn begin_again(&self, store: &impl CursorStore) -> Result<(), Trouble> {
        if let None | Some(Place::Done) = self.reached(store).await? {
            store.save(&self.key(Round::Again), &mark::begin()).await.map_err(trouble)?;
        }
        Ok(())
    }
}

/// Tells somebody who watches how far the list is, while it grows. Who does not has the heartbeat.
fn progress(ledger: &Arc<HostLedger>, scope: &Scope) {
    let ledger = Arc::clone(ledger);
    scope.spawn("progress", async move {
        let mut told = 0;
        loop {
            sleep(TELL_EVERY).await;
            ledger.enumerates(|enumeration| {
                let Some(known) = enumeration.as_ref().filter(|known| known.listed.repos != told) else {
                    return;
                };
                told = known.listed.repos;
                tracing::info!(
                    host = &**ledger.host(),
                    round = known.round,
                    repos = known.listed.repos,
                    pages = known.listed.pages,
                    repos_per_second = known.rate().round(),
                    estimated_repos = known.estimate,
                    "listing"
                );
            });
        }
    });
}

fn trouble(error: CursorError) -> Trouble {
    match error {
        CursorError::Unavailable(_) => Trouble::lost(error),
        CursorError::Unreadable { .. } | CursorError::Refused(_) | _ => Trouble::failed(error),
    }
}
