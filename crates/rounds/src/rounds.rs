use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use standpipe_cursor::{CursorError, CursorKey, CursorStore, Endpoint};
use standpipe_daemon::ingest::{Ingest, Reader};
use standpipe_daemon::{HostLedger, Prober};
use standpipe_list_repos::{Listing, RepoRows, Settings};
use standpipe_pipeline::{Acquire, Acquired, Limits, Observer, OpenBatch, Remedy, Sink as _, Transient};
use standpipe_projection::ListedRepoSettings;
use standpipe_supervisor::{ChildResult, Done, Scope, State, Trouble};
use tokio::time::{Instant, sleep, sleep_until};

use crate::account::Account;
use crate::counting::Counting;
use crate::estimate;
use crate::feed::{Ending, ListFeed};
use crate::gaps::{ByOwed, GapsFeed};
use crate::mark::{self, ByMark, Place};
use crate::marks::Marks;
use crate::pages::Aside;
use crate::turns::{Turn, Turns};

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
    pub prober: Option<Prober>,
    /// The local folder for the count of what was listed.
    pub state: PathBuf,
    /// How often the host is asked for what is new, once all was listed; never without.
    pub interval: Option<Duration>,
    /// How long after the end of an enumeration the next one begins; never without.
    pub again: Option<Duration>,
    /// How long after a range could not be read, or was asked for in vain, it is asked for again; never without.
    pub gaps_again: Option<Duration>,
    /// How many repos the host may have, as far as that is known.
    pub estimate: Estimate,
    /// How long a page may take in the child's first life, where that is shorter than the settings say, and twice as
    /// long in each further one: a host of many that says nothing has its turn for no longer.
    pub patience: Option<Duration>,
    /// The places of those that are asked at the same time.
    pub turns: Turns,
}

/// How many repos a host may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// The host is asked.
    Ask,
    /// So many, if anybody has said it.
    Told(Option<u64>),
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
    /// What could not be read before.
    Gaps,
}

/// When what is not a whole enumeration may come next.
struct Dues {
    /// What is new; never without.
    new_at: Option<Timestamp>,
    /// What is owed, where anything is.
    gaps_at: Option<Timestamp>,
    /// Whether what is new comes before an enumeration that is under way.
    is_new_due: bool,
}

impl Round {
    fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Again => "again",
            Self::New => "new",
            Self::Gaps => "gaps",
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
        // Thousands of hosts do not open their files all at once either.
        let Some(turn) = self.turn(&scope).await else { return Ok(Done::Stopped) };
        let told = match self.estimate {
            Estimate::Ask => None,
            Estimate::Told(repos) => repos,
        };
        let whole = Account::open(&self.state, &self.key, Arc::clone(&ledger)).await.estimated(told);
        let new = Account::open(&self.state, &self.key(Round::New), Arc::clone(&ledger)).await;
        drop(turn);
        let store = sinks(Arc::clone(&ledger) as _);
        if self.estimate == Estimate::Ask {
            estimate::ask(&self.settings, &self.host, &ledger, &scope);
        }
        let marks = Marks::beside(&self.key);
        let aside = Aside::default();
        // Of an enumeration that is under way and of what is new, either may be held up in each life: they take turns.
        let mut is_new_due = scope.incarnation() % 2 == 1;
        let mut round = Round::First;
        let mut gaps_at = Timestamp::now();
        let mut ended_at = Timestamp::now();
        loop {
            let count = match round {
                Round::First | Round::Again => Some((round.word(), whole.clone())),
                Round::New => Some((round.word(), new.clone())),
                Round::Gaps => None,
            };
            let ended = self.round(round, count, (&marks, &aside), &sinks, &ledger, &scope).await;
            let now = Timestamp::now();
            if round == Round::Gaps || marks.take_noted() {
                gaps_at = after(now, self.gaps_again.unwrap_or_default());
            }
            if round != Round::Gaps {
                ended_at = now;
            }
            match ended {
                Ok(Done::Finished) => {}
                Ok(other @ Done::Stopped) => return Ok(other),
                Err(held) if marks.is_full() && self.gaps_again.is_some() => {
                    // There is room again if any of what is owed can be read.
                    self.round(Round::Gaps, None, (&marks, &aside), &sinks, &ledger, &scope).await?;
                    scope.set_state(State::Held);
                    return Err(held);
                }
                Err(trouble) => return Err(trouble),
            }
            let gaps_at = self.gaps_again.filter(|_| marks.is_owed()).map(|_| gaps_at);
            // It was interrupted for that.
            is_new_due |= round == Round::Again && aside.until().is_some();
            let new_at = self.interval.map(|interval| after(ended_at, interval));
            let dues = Dues { new_at, gaps_at, is_new_due };
            let Some((next, at)) = self.next(&whole, dues, &store).await? else {
                return Ok(Done::Finished);
            };
            is_new_due &= next != Round::New;
            scope.set_state(State::Waiting);
            scope.waiting_for("the next round");
            let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
            tokio::select! {
                biased;
                () = scope.stopped() => return Ok(Done::Stopped),
                () = sleep(wait) => round = next,
            }
            if round == Round::Again {
                let begun = tokio::select! {
                    biased;
                    () = scope.stopped() => return Ok(Done::Stopped),
                    begun = self.begin_again(&store) => begun,
                };
                begun?;
            }
        }
    }
}

impl<L: Listing<Rows = RepoRows> + Clone + Sync> Rounds<L> {
    fn key(&self, round: Round) -> CursorKey {
        match round {
            Round::First => self.key.clone(),
            Round::Again | Round::New | Round::Gaps => self.key.beside(round.word()),
        }
    }

    async fn round<A: Acquire + CursorStore + Clone + 'static>(
        &self,
        round: Round,
        count: Option<(&'static str, Account)>,
        (marks, aside): (&Marks, &Aside<L>),
        sinks: &(impl Fn(Arc<dyn Observer>) -> A + Send + Sync),
        ledger: &Arc<HostLedger>,
        scope: &Scope,
    ) -> ChildResult {
        let counting = |observer| Counting {
            sinks: sinks(observer),
            ledger: Arc::clone(ledger),
            marks: marks.clone(),
            count: count.clone(),
        };
        // The walk through a whole list outlives what comes between; all others end with their round.
        let aside = if round == Round::Again { aside.clone() } else { Aside::default() };
        let due = self.interval.filter(|_| round == Round::Again);
        let due = due.and_then(|interval| Instant::now().checked_add(interval));
        let ending = match round {
            Round::First | Round::Again => Ending::Done,
            Round::New => Ending::Tail,
            Round::Gaps => {
                let feed = GapsFeed {
                    listing: self.listing.clone(),
                    settings: self.settings_in(scope),
                    host: self.host.clone(),
                    repos: self.repos.clone(),
                    marks: marks.clone(),
                };
                let Some(_turn) = self.turn(scope).await else { return Ok(Done::Stopped) };
                let ingest = Ingest::by(ByOwed, self.key(round), self.limits).probing(self.prober.clone());
                return ingest.run(&feed, counting, Arc::clone(ledger) as _, scope.clone()).await;
            }
        };
        loop {
            let Some(turn) = self.turn(scope).await.map(|turn| turn.until(due)) else {
                return Ok(Done::Stopped);
            };
            let feed = ListFeed {
                listing: self.listing.clone(),
                settings: self.settings_in(scope),
                host: self.host.clone(),
                repos: self.repos.clone(),
                ending,
                marks: marks.clone(),
                aside: aside.clone(),
                turn: Arc::new(turn),
            };
            let ingest = Ingest::by(ByMark, self.key(round), self.limits).probing(self.prober.clone());
            let ended = ingest.run(&feed, &counting, Arc::clone(ledger) as _, scope.clone()).await?;
            let (Done::Finished, Some(until)) = (ended, aside.until()) else { return Ok(ended) };
            if feed.turn.is_due_elsewhere() {
                return Ok(ended);
            }
            drop(feed);
            scope.set_state(State::Waiting);
            scope.waiting_for("the time that the host or our backoff has set");
            tokio::select! {
                biased;
                () = scope.stopped() => return Ok(Done::Stopped),
                () = sleep_until(until) => {}
            }
        }
    }

    /// How pages are asked for in this life of the child.
    fn settings_in(&self, scope: &Scope) -> Settings {
        let mut settings = self.settings.clone();
        if let Some(patience) = self.patience {
            let doublings = u32::try_from(scope.incarnation().saturating_sub(1)).unwrap_or(u32::MAX);
            let patience = patience.saturating_mul(2_u32.saturating_pow(doublings));
            settings.bounds.page_within = settings.bounds.page_within.min(patience);
        }
        settings
    }

    /// Waits for a place among those that are asked at the same time; `None` if the child shall stop first.
    async fn turn(&self, scope: &Scope) -> Option<Turn> {
        if let Some(turn) = self.turns.free() {
            return Some(turn);
        }
        scope.set_state(State::Waiting);
        scope.waiting_for("its turn among the hosts");
        tokio::select! {
            biased;
            () = scope.stopped() => None,
            turn = self.turns.next() => Some(turn),
        }
    }

    /// What comes next, and when.
    async fn next(
        &self,
        whole: &Account,
        Dues { new_at, gaps_at, is_new_due }: Dues,
        store: &impl CursorStore,
    ) -> Result<Option<(Round, Timestamp)>, Trouble> {
        let now = Timestamp::now();
        let (mut new_at, mut again_at) = (new_at, None);
        if let Some(pause) = self.again {
            again_at = Some(match self.reached(store).await? {
                // One is under way.
                Some(Place::Behind(_) | Place::Tail { .. }) => {
                    new_at = new_at.map(|new_at| if is_new_due { now } else { new_at });
                    now
                }
                Some(Place::Done) | None => after(whole.done_at().await, pause),
            });
        }
        // Where nothing else is to come, it does not stay for what is owed.
        let gaps_at = gaps_at.filter(|gaps_at| *gaps_at <= now || new_at.is_some() || again_at.is_some());
        // Of two that are due at once, the first comes first.
        let rounds = [(Round::New, new_at), (Round::Again, again_at), (Round::Gaps, gaps_at)];
        Ok(rounds.into_iter().filter_map(|(round, at)| Some((round, at?))).min_by_key(|(_, at)| *at))
    }

    /// How far the enumeration is that gives everything again; `None` where there never was one.
    async fn reached(&self, store: &impl CursorStore) -> Result<Option<Place>, Trouble> {
        let stored = store.load(&self.key(Round::Again)).await.map_err(trouble)?;
        stored.map(|stored| Place::of(Some(&stored))).transpose().map_err(trouble)
    }

    /// Says in the store that everything is to be given again, where that is not under way.
    async fn begin_again(&self, store: &impl Acquire) -> Result<(), Trouble> {
        let Acquired { mut sink, cursor } = store.acquire(&self.key(Round::Again)).await.map_err(refused)?;
        let place = Place::of(cursor.as_ref()).map_err(trouble)?;
        if cursor.is_none() || place == Place::Done {
            // As a batch, so that nobody can store it who has lost the host.
            let mut open = OpenBatch::following(cursor);
            open.close_frame(mark::begin(), 0, "");
            if let Some(batch) = open.seal(None) {
                sink.deliver(&batch).await.map_err(refused)?;
            }
        }
        Ok(())
    }
}

fn trouble(error: CursorError) -> Trouble {
    match error {
        CursorError::Unavailable(_) => Trouble::lost(error),
        CursorError::Unreadable { .. } | CursorError::Refused(_) | _ => Trouble::failed(error),
    }
}

fn refused(error: impl Transient) -> Trouble {
    match error.remedy() {
        Remedy::Retry => Trouble::lost(error),
        Remedy::RetryAfter(delay) | Remedy::Hold(delay) => Trouble::lost_for(error, delay),
        Remedy::Fail => Trouble::failed(error),
    }
}

/// So long after that.
fn after(at: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}
