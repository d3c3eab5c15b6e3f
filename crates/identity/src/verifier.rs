use std::time::Duration;

use standpipe_eventstream::{Did, DidMethod};

use crate::claim::Claim;
use crate::error::ResolveError;
use crate::key::SignatureFault;
use crate::memory::{Look, Recollection};
use crate::resolver::Resolver;
use crate::verdict::{Doubt, Flaw, Verdict};

/// How long after a key was fetched a label that it does not verify is a reason to fetch it again: once in this time for
/// each DID, however many labels fail. Sooner only where identities hold for less, or where an earlier process fetched it.
const REFRESH_EVERY: Duration = Duration::from_secs(10);

/// Judges the signatures of labels by the keys of their issuers. Clones share the resolver.
///
/// A label that the known key does not verify is judged only after the key was fetched again, unless that was done in the
/// last ten seconds: the issuer may have changed it.
#[derive(Clone, Debug)]
pub struct Verifier {
    resolver: Resolver,
    history: History,
}

/// What is made of labels that an issuer may have signed with an earlier key. Documents have the current one only.
///
/// It concerns labels which say (`cts`) that they were made before the issuer's key was first seen here, and which that
/// key does not verify: all of an issuer's labels from before a change of its key are among them, and so may be forged
/// ones. To labels that were made later, a current key is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// [`Flaw::Signature`]: they are not made with the key that their issuer has.
    #[default]
    Failed,
    /// [`Doubt::OlderThanKey`].
    Unverified,
}

/// What can be said of a claim without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Verdict(Verdict),
    /// Its issuer has to be looked up first.
    Wants(Want),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Lookup,
    /// A lookup whatever is known.
    Refresh,
}

impl Want {
    /// What is to be thought of a label where that did not help.
    pub(crate) fn in_vain(self) -> Doubt {
        match self {
            Self::Lookup => Doubt::Unresolved,
            Self::Refresh => Doubt::Unconfirmed,
        }
    }

    /// What is to be thought of a label that cannot wait for that.
    pub(crate) fn too_late(self) -> Doubt {
        match self {
            Self::Lookup => Doubt::Late,
            Self::Refresh => Doubt::Unconfirmed,
        }
    }
}

impl Verifier {
    /// A verifier by the keys that this resolver finds.
    #[must_use]
    pub fn new(resolver: Resolver, history: History) -> Self {
        Self { resolver, history }
    }

    /// Judges a claim, and looks its issuer up where that is due: once, and once more where the key does not fit.
    ///
    /// Bounded as [`Resolver::resolve`] is, which may be long: a stream of labels goes through a
    /// [`VerdictQueue`](crate::VerdictQueue). Cancel-safe.
    pub async fn verify(&self, claim: &Claim) -> Verdict {
        let mut done = None;
        loop {
            match self.judge(claim) {
                Judgement::Verdict(verdict) => return verdict,
                Judgement::Wants(want) if done == Some(want) => {
                    return Verdict::Unverified(want.in_vain());
                }
                Judgement::Wants(want) => {
                    self.satisfy(want, claim.src()).await;
                    done = Some(want);
                }
            }
        }
    }

    /// Looks an issuer up. What comes of it is in the resolver's memory.
    pub(crate) async fn satisfy(&self, want: Want, did: &str) {
        let outcome = match want {
            Want::Lookup => self.resolver.resolve(did).await,
            Want::Refresh => self.resolver.refresh(did).await,
        };
        drop(outcome);
    }

    /// Whether an issuer should be looked up, as far as can be told before any of its labels is verified.
    pub(crate) fn is_lookup_due(&self, claim: &Claim) -> bool {
        let could_be = claim.doubt().is_none() && !claim.is_malformed() && is_resolvable(claim.src());
        could_be
            && match self.resolver.look(claim.src()) {
                Look::Unknown => true,
                Look::Known(known) => known.is_stale,
                Look::Failed(_) => false,
            }
    }

    /// Judges a claim by what is known. It takes about a tenth of a millisecond with k256, and up to half of one with p256.
    pub(crate) fn judge(&self, claim: &Claim) -> Judgement {
        Judgement::Verdict(match claim.doubt() {
            Some(doubt) => Verdict::Unverified(doubt),
            None if claim.is_malformed() => Verdict::Failed(Flaw::Signature(SignatureFault::Length)),
            None if !is_resolvable(claim.src()) => Verdict::Unverified(Doubt::NoMethod),
            None => match self.resolver.look(claim.src()) {
                Look::Unknown => return Judgement::Wants(Want::Lookup),
                Look::Failed(error) => because_of(&error),
                Look::Known(known) => return self.judge_by(claim, &known),
            },
        })
    }

    fn judge_by(&self, claim: &Claim, known: &Recollection) -> Judgement {
        let flaw = match known.identity.label_key() {
            Err(fault) => Flaw::Key(fault),
            Ok(key) => match claim.verify(key) {
                Ok(()) => return Judgement::Verdict(Verdict::Verified),
                Err(fault) => Flaw::Signature(fault),
            },
        };
        if !could_another_key_help(flaw) {
            return Judgement::Verdict(Verdict::Failed(flaw));
        }
        if known.is_unconfirmed {
            return Judgement::Verdict(Verdict::Unverified(Doubt::Unconfirmed));
        }
        if known.is_recalled || known.fetched.elapsed() >= REFRESH_EVERY.min(self.resolver.fresh_for()) {
            return Judgement::Wants(Want::Refresh);
        }
        let is_excused = matches!(flaw, Flaw::Signature(_))
            && self.history == History::Unverified
            && claim.is_older_than(known.label_key_since);
        Judgement::Verdict(if is_excused {
            Verdict::Unverified(Doubt::OlderThanKey)
        } else {
            Verdict::Failed(flaw)
        })
    }
}

/// Whether a lookup of the DID could succeed, so that it is worth one.
fn is_resolvable(did: &str) -> bool {
    Did::parse(did).is_ok_and(|did| did.method() != DidMethod::Other)
}

fn because_of(error: &ResolveError) -> Verdict {
    match error {
        // The directory's word is final. A host that has lost its document may find it again.
        ResolveError::NotFound { did, .. } if did.starts_with("did:plc:") => Verdict::Failed(Flaw::NoIssuer),
        ResolveError::Syntax { .. } | ResolveError::Method { .. } => Verdict::Unverified(Doubt::NoMethod),
        ResolveError::NotFound { .. }
        | ResolveError::Document { .. }
        | ResolveError::Fetch { .. }
        | ResolveError::Overdue { .. }
        | ResolveError::Busy { .. }
        | ResolveError::Crowded { .. } => Verdict::Unverified(Doubt::Unresolved),
    }
}

fn could_another_key_help(flaw: Flaw) -> bool {
    match flaw {
        // What is a number of one curve, and a low one, need not be so for the other.
        Flaw::Key(_)
        | Flaw::Signature(SignatureFault::Mismatch | SignatureFault::HighS | SignatureFault::Range) => true,
        Flaw::Signature(SignatureFault::Length) | Flaw::NoIssuer => false,
    }
}
