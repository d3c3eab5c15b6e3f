use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::select;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use crate::claim::Claim;
use crate::verdict::Verdict;
use crate::verifier::{Judgement, Verifier, Want};

/// Signatures that are checked in one go, before other tasks have their turn: some milliseconds.
const CHECKS_AT_ONCE: usize = 32;

/// What waits for verdicts, in order: whatever comes out came in before what follows it.
///
/// Nothing waits long. An item whose issuers cannot be looked up within [`Patience::within`] comes out with
/// [`Doubt::Late`](crate::Doubt::Late), and when the queue is full so does one that has waited for
/// [`Patience::within_full`]: trouble with lookups delays nobody for longer who keeps to [`is_full`](Self::is_full), and
/// memory is bounded.
pub struct VerdictQueue<T> {
    verifier: Verifier,
    patience: Patience,
    pending: VecDeque<Pending<T>>,
    bytes: usize,
    errands: FuturesUnordered<Errand>,
    /// Who is being looked up.
    wanted: HashSet<Box<str>>,
    /// How long nobody looked, in all, and since when nobody does.
    left: Duration,
    left_at: Option<Instant>,
}

type Errand = Pin<Box<dyn Future<Output = Box<str>> + Send>>;

/// For how much and for how long verdicts are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long an item waits at most, while somebody waits for it. Default 5 s.
    pub within: Duration,
    /// The same while the queue is full, so that nothing more is read: long enough for a lookup that goes as it should,
    /// since a labeler that sends all that it has fills a queue sooner. Default 1 s.
    pub within_full: Duration,
    /// Items that wait at most. Default 1,024.
    pub items: usize,
    /// Their bytes together with what is kept of their labels, at most; one item more may come. Default 16 MiB.
    pub bytes: usize,
    /// Issuers that are looked up ahead of their turn: what one stream can take of the turns that all share. Default 8.
    pub lookups: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(5),
            within_full: Duration::from_secs(1),
            items: 1024,
            bytes: 16 << 20,
            lookups: 8,
        }
    }
}

/// An item with the verdicts of its labels, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged<T> {
    /// The item.
    pub item: T,
    /// A verdict for each label.
    pub verdicts: Vec<Verdict>,
}

struct Pending<T> {
    item: T,
    bytes: usize,
    /// When it came, and how long nobody had looked by then.
    came: Instant,
    left_before: Duration,
    claims: Vec<Claim>,
    /// Of the claims so far.
    verdicts: Vec<Verdict>,
    /// What was done for the next claim.
    done: Option<Want>,
}

/// How far the first item has come.
enum Step {
    Judged,
    /// There is more to do at once.
    More,
    /// It waits for a lookup.
    Waits,
}

impl<T> VerdictQueue<T> {
    /// An empty queue.
    #[must_use]
    pub fn new(verifier: Verifier, patience: Patience) -> Self {
        Self {
            verifier,
            patience,
            pending: VecDeque::new(),
            bytes: 0,
            errands: FuturesUnordered::new(),
            wanted: HashSet::new(),
            left: Duration::ZERO,
            left_at: None,
        }
    }

    /// Takes an item of so many bytes with the claims of its labels. It looks issuers up that are not known, and verifies
    /// nothing yet.
    pub fn push(&mut self, item: T, size_bytes: usize, claims: Vec<Claim>) {
        let mut before = None;
        for claim in &claims {
            // Mostly all of an item's labels are of one issuer.
            if before.replace(claim.src()) == Some(claim.src()) {
                continue;
            }
            if self.errands.len() >= self.patience.lookups {
                break;
            }
            if !self.wanted.contains(claim.src()) && self.verifier.is_lookup_due(claim) {
                self.send(Want::Lookup, claim.src().into());
            }
        }
        let bytes = claims.iter().map(Claim::size_bytes).fold(size_bytes, usize::saturating_add);
        self.bytes = self.bytes.saturating_add(bytes);
        let verdicts = Vec::with_capacity(claims.len());
        let left_before = self.left + self.left_at.map_or(Duration::ZERO, |left_at| left_at.elapsed());
        let came = Instant::now();
        self.pending.push_back(Pending { item, bytes, came, left_before, claims, verdicts, done: None });
    }

    /// Whether nothing should be added before something was taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.pending.len() >= self.patience.items || self.bytes >= self.patience.bytes
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// The first item once it is judged; `None` where nothing waits.
    ///
    /// It waits for lookups, no longer than [`Patience::within`] since the item came, or [`Patience::within_full`] while
    /// the queue is full. The time in which nobody waits, because there is no room for items elsewhere, does not count. Cancel-safe:
    /// verdicts so far are kept.
    pub async fn next(&mut self) -> Option<Judged<T>> {
        if let Some(left_at) = self.left_at.take() {
            self.left += left_at.elapsed();
        }
        loop {
            self.left_at = None;
            // Lookups that nothing waits for at the moment go on as well.
            while let Some(Some(did)) = self.errands.next().now_or_never() {
                self.wanted.remove(&did);
            }
            match self.step()? {
                Step::Judged => {
                    let Pending { item, bytes, verdicts, .. } = self.pending.pop_front()?;
                    self.bytes = self.bytes.saturating_sub(bytes);
                    self.left_at = Some(Instant::now());
                    return Some(Judged { item, verdicts });
                }
                Step::More => yield_now().await,
                Step::Waits => {
                    let deadline = self.pending.front()?.deadline(self.patience_now(), self.left);
                    let _leaving = Leaving(&mut self.left_at);
                    select! {
                        Some(did) = self.errands.next() => drop(self.wanted.remove(&did)),
                        () = passed(deadline) => {}
                    }
                }
            }
        }
    }

    /// How long an item may have waited, as things are.
    fn patience_now(&self) -> Duration {
        let Patience { within, within_full, .. } = self.patience;
        if self.is_full() { within.min(within_full) } else { within }
    }

    /// Judges the first item as far as can be without waiting, within what is done in one go.
    fn step(&mut self) -> Option<Step> {
        let within = self.patience_now();
        let first = self.pending.front_mut()?;
        let deadline = first.deadline(within, self.left);
        let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        for _ in 0..CHECKS_AT_ONCE {
            let Some(claim) = first.claims.get(first.verdicts.len()) else { return Some(Step::Judged) };
            let verdict = match self.verifier.judge(claim) {
                Judgement::Verdict(verdict) => verdict,
                Judgement::Wants(want) if is_late => Verdict::Unverified(want.too_late()),
                Judgement::Wants(_) if self.wanted.contains(claim.src()) => return Some(Step::Waits),
                Judgement::Wants(want) if first.done == Some(want) => Verdict::Unverified(want.in_vain()),
                Judgement::Wants(want) => {
                    first.done = Some(want);
                    let did = claim.src().into();
                    self.send(want, did);
                    return Some(Step::Waits);
                }
            };
            first.verdicts.push(verdict);
            first.done = None;
        }
        Some(Step::More)
    }

    fn send(&mut self, want: Want, did: Box<str>) {
        self.wanted.insert(did.clone());
        let verifier = self.verifier.clone();
        self.errands.push(Box::pin(async move {
            verifier.satisfy(want, &did).await;
            did
        }));
    }
}

impl<T> Pending<T> {
    /// Its last moment, where nobody has looked for so long in all.
    fn deadline(&self, within: Duration, left: Duration) -> Option<Instant> {
        self.came.checked_add(within)?.checked_add(left.saturating_sub(self.left_before))
    }
}

/// Notes when somebody stopped looking.
struct Leaving<'q>(&'q mut Option<Instant>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        *self.0 = Some(Instant::now());
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl<T> fmt::Debug for VerdictQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pending, bytes, wanted, .. } = self;
        f.debug_struct("VerdictQueue")
            .field("items", &pending.len())
            .field("bytes", bytes)
            .field("lookups", &wanted.len())
            .finish_non_exhaustive()
    }
}
