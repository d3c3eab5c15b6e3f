//! A labeler with all that belongs to one: its labels, its host, and its document.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::SimulatorError;
use crate::directory::Documents;
use crate::feed::Feed;
use crate::labels::LabelWorld;
use crate::relay::{Growth, Pace, Relay, RelaySettings, Rule, StreamFault, UpgradeFault};

/// A labeler with all that belongs to one: what it says, a host that serves it, and a document that names both its key
/// and its host.
///
/// The document is as true as can be at any moment: it has the key that the next frame will be signed with, and the host
/// where the labeler is now. For one that lags or lies, put another into the [`Documents`].
///
/// # Example
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddr};
///
/// use standpipe_simulator::{
///     Directory, Documents, LabelWorld, Labeler, Leaving, RelaySettings, SignatureSettings, Standing, WorldSettings,
///     plc_did,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), standpipe_simulator::SimulatorError> {
/// let directory = Directory::start(Documents::new(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
///
/// // It has another key from frame 100 on.
/// let did = plc_did(7, "labeler");
/// let signatures = SignatureSettings { rotations: vec![100], ..SignatureSettings::mixed() };
/// let world = LabelWorld::new(WorldSettings { seed: 7, ..WorldSettings::default() }, &did).signed(signatures);
/// let settings = RelaySettings { backlog: 100, ..RelaySettings::default() };
/// let mut labeler = Labeler::start(world, settings, directory.documents())?;
/// assert_eq!(labeler.key(), 1);
/// assert_eq!(labeler.world().key_at(99), 0);
///
/// // What a verifier must make of the first frame, now that the document has key 1:
/// for label in labeler.world().expected_at(0) {
///     assert!(label.standing(labeler.key()) != Standing::Verified || label.src != did);
/// }
///
/// // It moves: the document names the new host, and the old one lets nobody in.
/// let old = labeler.host().http_url();
/// labeler.move_away(Leaving::Refusing { status: 503 }).await?;
/// let document = directory.documents().document(&did).unwrap_or_default();
/// assert_eq!(document["service"][1]["serviceEndpoint"], labeler.host().http_url());
/// assert_ne!(labeler.host().http_url(), old);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Labeler {
    world: LabelWorld,
    settings: RelaySettings,
    place: Arc<Mutex<Place>>,
    host: Relay,
    former: Vec<Relay>,
}

/// Where a labeler is now, and how far it has come.
#[derive(Debug)]
struct Place {
    url: String,
    growth: Arc<watch::Sender<Growth>>,
}

/// What a labeler that moves leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Nothing: nobody listens there, and connections are cut off.
    Nothing,
    /// A host that resets its connections, and answers everyone who comes with this status.
    Refusing {
        /// The HTTP status.
        status: u16,
    },
    /// A host that goes on serving what there was, and says nothing new.
    Stale,
}

impl Labeler {
    /// Starts the labeler's host on the current runtime, and puts into these documents its own and that of the one whose
    /// labels it passes on.
    ///
    /// # Errors
    /// [`SimulatorError::Listen`] if the address cannot be had.
    pub fn start(
        world: LabelWorld,
        settings: RelaySettings,
        documents: &Documents,
    ) -> Result<Self, SimulatorError> {
        let host = Relay::start(Feed::Labels(world.clone()), settings.clone())?;
        Ok(Self::at(host, world, settings, documents))
    }

    /// Starts a labeler whose DID is `did:web:localhost%3APORT`, and whose host serves its document itself, at
    /// `/.well-known/did.json`. `world` gives the world of the labeler with this DID.
    ///
    /// As a DID of this kind names the host that has the document, nobody finds a labeler of [`Leaving::Nothing`].
    ///
    /// # Errors
    /// [`SimulatorError::Listen`] if the address cannot be had.
    pub fn start_web(
        world: impl FnOnce(&str) -> LabelWorld,
        settings: RelaySettings,
        documents: &Documents,
    ) -> Result<Self, SimulatorError> {
        let settings = RelaySettings { documents: Some(documents.clone()), ..settings };
        let bound = Relay::bind(&settings)?;
        let world = world(&format!("did:web:localhost%3A{}", bound.1.port()));
        let feed = Feed::Labels(world.clone());
        let growth = Relay::growth_of(&feed, &settings);
        let host = Relay::serve(bound, feed, settings.clone(), growth);
        Ok(Self::at(host, world, settings, documents))
    }

    fn at(host: Relay, world: LabelWorld, settings: RelaySettings, documents: &Documents) -> Self {
        let place = Arc::new(Mutex::new(Place { url: host.http_url(), growth: host.growth() }));
        let (says, is_at) = (world.clone(), Arc::clone(&place));
        documents.follow(world.labeler(), move || {
            let place = is_at.lock().unwrap_or_else(PoisonError::into_inner);
            let frames = place.growth.borrow().frames();
            says.document(says.key_at(frames), &place.url)
        });
        if let Some(colleague) = world.colleague() {
            documents.put(&colleague);
        }
        Self { world, settings, place, host, former: Vec::new() }
    }

    /// What it says.
    #[must_use]
    pub fn world(&self) -> &LabelWorld {
        &self.world
    }

    /// Where it is now.
    #[must_use]
    pub fn host(&self) -> &Relay {
        &self.host
    }

    /// Where it was and is no more, in their order; without those where it left nothing.
    #[must_use]
    pub fn former(&self) -> &[Relay] {
        &self.former
    }

    /// The number of the key that its document has now: the one that the next frame will be signed with.
    #[must_use]
    pub fn key(&self) -> usize {
        self.world.key_at(self.host.frames())
    }

    /// Moves to another port: the new host has the same frames and goes on at the same pace, then the document names it,
    /// then the old one is left. Connections and faults stay with the old one. Not cancel-safe.
    ///
    /// # Errors
    /// [`SimulatorError::Listen`] if no other port can be had; then it has not moved.
    pub async fn move_away(&mut self, leaving: Leaving) -> Result<(), SimulatorError> {
        let mut settings = self.settings.clone();
        settings.listen.set_port(0);
        let bound = Relay::bind(&settings)?;
        let growth = *self.host.growth().borrow();
        self.host.set_pace(Pace::STILL);
        let host = Relay::serve(bound, self.host.feed().clone(), settings, growth);
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) =
            Place { url: host.http_url(), growth: host.growth() };
        let old = std::mem::replace(&mut self.host, host);
        match leaving {
            Leaving::Nothing => old.stop().await,
            Leaving::Refusing { status } => {
                old.faults().clear();
                old.faults().add(Rule::on_upgrade(UpgradeFault::refuse(status)));
                let _ = old.disrupt(StreamFault::Reset);
                self.former.push(old);
            }
            Leaving::Stale => self.former.push(old),
        }
        Ok(())
    }
}
