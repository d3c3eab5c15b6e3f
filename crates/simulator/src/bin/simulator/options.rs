//! What can be said on the command line, and what it makes of feed and relay.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{ArgGroup, Parser, ValueEnum};
use standpipe_simulator::{
    AtEnd, Authority, CursorRules, Feed, FrameSize, LabelWorld, ListEnd, ListingRules, ListingSettings, Mix,
    Pace, RateLimit, RelaySettings, Ring, Rule, Share, SignatureSettings, SimulatorError, World,
    WorldSettings, read_frames,
};

const FAULT_HELP: &str = "A fault: KIND[:ARGUMENT…][@WHEN][*TIMES], for instance reset@1000*3, \
    close:1011:oops@seq=77, refuse:429:5*2, garbage@every=500, and of lists page-status:500@row=77, \
    page-retry-after:5@chance=20:1, page-cut@every=9, and of documents lookup-status:503@did=did:plc:…; may be given \
    several times";

/// A simulated relay on loopback, over a seeded world or a file of frames, with faults.
///
/// The first line of output is its address, as a host is written; with --pds, a line for each of those follows, and with
/// --directory one for that. It runs until SIGINT, SIGTERM or the end of `--for`, and its last line is a JSON object with
/// what it served and which faults happened.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of a command line")]
#[command(version, group = ArgGroup::new("amount").args(["frames", "endless"]))]
pub(crate) struct Options {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Serve TLS with a certificate of an authority made for this run
    #[arg(long, requires = "ca_out")]
    tls: bool,
    /// Write the authority's certificate there, in PEM
    #[arg(long)]
    ca_out: Option<PathBuf>,

    /// The world's seed
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many accounts there are
    #[arg(long, default_value = "1000")]
    accounts: NonZeroU32,
    /// The seq of the first frame; with --ring or --loop at least 4294967296, which is then the default
    #[arg(long)]
    first_seq: Option<u64>,
    /// Leave gaps between seqs of up to twice this less one; 1 leaves none
    #[arg(long, default_value = "1")]
    seq_stride: NonZeroU64,
    /// Which frames there are
    #[arg(long, value_enum, default_value_t = Mixture::Relay)]
    mix: Mixture,
    /// Mean size of commit frames in bytes; lean frames of about 1 KB if absent
    #[arg(long)]
    frame_size: Option<u32>,
    /// Time of the first frame in milliseconds since 1970; if absent, times follow the clock. For the same
    /// bytes in every run, give it
    #[arg(long)]
    epoch: Option<u64>,

    /// Be the labeler with this DID instead of a relay; --accounts is then how many accounts it labels
    #[arg(long, value_name = "DID", conflicts_with_all = ["file", "ring", "listing"])]
    labeler: Option<String>,
    /// Sign labels with keys of the seed; without it, signatures are filler
    #[arg(long, value_enum, requires = "labeler")]
    sign: Option<Signed>,
    /// Percentage of signatures that do not hold; 10 with --sign=mixed, and none otherwise
    #[arg(long, requires = "sign", value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=100))]
    bad_signatures: Option<u8>,
    /// Sign with a new key from this frame on, counted from 0; may be given several times, in rising order
    #[arg(long = "rotate-at", requires = "sign", value_name = "FRAME")]
    rotations: Vec<u64>,
    /// Start a directory too that has the labeler's document, with its key and address as they are at each moment
    #[arg(long, requires = "sign")]
    pub(crate) directory: bool,
    /// Serve the frames of this file instead of a world (`[u32 LE length][frame]`, `.zst` or not)
    #[arg(long)]
    file: Option<PathBuf>,
    /// Serve the frames of the file over and over, each with the next seq
    #[arg(long = "loop", requires = "file")]
    looped: bool,
    /// Prepare so many frames of the world and serve them over and over, each with the next seq
    #[arg(long, conflicts_with = "file")]
    ring: Option<u64>,
    /// Write the time of sending into the frames of --loop or --ring
    #[arg(long)]
    stamp: bool,

    /// Frames that come to be in a second; if absent, all of --frames are there from the beginning
    #[arg(long)]
    rate: Option<u32>,
    /// Frames that are there from the beginning
    #[arg(long)]
    backlog: Option<u64>,
    /// Frames that there will ever be
    #[arg(long)]
    frames: Option<u64>,
    /// There is no end of frames (so it is without --frames too)
    #[arg(long)]
    endless: bool,
    /// Send clients away that have got all that there will ever be
    #[arg(long)]
    close_at_end: bool,
    /// How many of the newest frames are kept
    #[arg(long)]
    retention: Option<u64>,

    /// What the host makes of cursors
    #[arg(long, value_enum, default_value_t = Host::Specified)]
    cursor_behaviour: Host,
    /// Cut off clients that block a write for so long (`5s`)
    #[arg(long, value_parser = humantime::parse_duration)]
    too_slow: Option<Duration>,
    /// Ping clients after so long a silence
    #[arg(long, value_parser = humantime::parse_duration, default_value = "30s")]
    ping_after: Duration,
    /// Size of the sockets' send buffers in bytes
    #[arg(long)]
    send_buffer: Option<u32>,
    /// Faults, as `Rule` reads them
    #[arg(long = "fault", visible_alias = "faults", value_name = "FAULT", help = FAULT_HELP)]
    pub(crate) faults: Vec<Rule>,

    /// Serve listRepos, listHosts and listReposByCollection on the same address
    #[arg(long)]
    listing: bool,
    /// How the relay lists repos
    #[arg(long, value_enum, default_value_t = Lister::Relay, requires = "listing")]
    list_behaviour: Lister,
    /// Start so many PDS hosts too, each with its share of the accounts and the same faults; the relay lists
    /// them, and the lines after the first name them
    #[arg(long, default_value_t = 0, requires = "listing")]
    pub(crate) pds: u64,
    /// Take so many requests for pages in --rate-window, and say so with every answer
    #[arg(long, requires = "listing")]
    rate_limit: Option<u32>,
    /// The window of --rate-limit
    #[arg(long, value_parser = humantime::parse_duration, default_value = "5m")]
    rate_window: Duration,

    /// Stop after so long
    #[arg(long = "for", value_parser = humantime::parse_duration)]
    pub(crate) run_for: Option<Duration>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mixture {
    /// About what a relay sends
    Relay,
    /// Every kind of frame equally often
    Even,
    /// Only commits that create one record
    Creates,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Signed {
    /// Every label, and as it has to be
    Sound,
    /// Unsigned labels, bad signatures, unknown issuers and labels without a version among sound ones
    Mixed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Host {
    /// Inclusive; outdated cursors announced, future ones refused
    Specified,
    /// Exclusive; outdated cursors announced, future ones refused
    Pds,
    /// Exclusive; silent about outdated and future cursors
    Relay,
    /// Inclusive; silent about outdated and future cursors
    FanOut,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Lister {
    /// Active accounts only, decimal cursors, none on a short page
    Relay,
    /// All accounts, cursors of time and DID on every page that has rows
    Pds,
    /// All accounts, opaque cursors, an empty one at the end
    Other,
    /// As other, but the last page repeats its cursor for ever
    Looping,
    /// As other, but the list ends with `repos: null`
    NullAtEnd,
}

impl Lister {
    fn rules(self) -> ListingRules {
        match self {
            Self::Relay => ListingRules::RELAY,
            Self::Pds => ListingRules::PDS,
            Self::Other => ListingRules::OTHER,
            Self::Looping => ListingRules { end: ListEnd::Repeats, ..ListingRules::OTHER },
            Self::NullAtEnd => ListingRules { end: ListEnd::NullRepos, ..ListingRules::OTHER },
        }
    }
}

/// The lowest seq that a ring can begin with.
const FIRST_OF_A_RING: u64 = 1 << 32;

impl Options {
    pub(crate) fn feed(&self) -> Result<Feed, SimulatorError> {
        let is_ring = self.looped || self.ring.is_some();
        let first_seq = self.first_seq.unwrap_or(if is_ring { FIRST_OF_A_RING } else { 1 });
        if let Some(file) = &self.file {
            let frames = read_frames(file)?;
            return if self.looped { self.ring_of(frames, first_seq) } else { Ok(Feed::canned(frames)) };
        }
        let world = self.world(first_seq);
        if let Some(labeler) = &self.labeler {
            let labels = LabelWorld::new(world.settings().clone(), labeler);
            return Ok(Feed::Labels(match self.signatures() {
                Some(signatures) => labels.signed(signatures),
                None => labels,
            }));
        }
        match self.ring {
            Some(slots) => self.ring_of((0..slots).map(|index| world.frame_at(index)), first_seq),
            None => Ok(Feed::World(world)),
        }
    }

    fn signatures(&self) -> Option<SignatureSettings> {
        let settings = match self.sign? {
            Signed::Sound => SignatureSettings::default(),
            Signed::Mixed => SignatureSettings::mixed(),
        };
        let bad_percent = self.bad_signatures.unwrap_or(settings.bad_percent);
        Some(SignatureSettings { bad_percent, rotations: self.rotations.clone(), ..settings })
    }

    pub(crate) fn settings(&self) -> Result<RelaySettings, SimulatorError> {
        let tls = if self.tls { Some(Authority::generate()?) } else { None };
        if let Some((authority, path)) = tls.as_ref().zip(self.ca_out.as_ref()) {
            authority.write_ca(path)?;
        }
        let reason = "that was all".to_owned();
        Ok(RelaySettings {
            listen: self.listen,
            tls,
            backlog: self.backlog(),
            pace: Pace::per_second(self.rate.unwrap_or(0)),
            total: self.frames,
            at_end: if self.close_at_end { AtEnd::Close { code: 1000, reason } } else { AtEnd::Idle },
            retention: self.retention,
            cursors: match self.cursor_behaviour {
                Host::Specified => CursorRules::SPECIFIED,
                Host::Pds => CursorRules::PDS,
                Host::Relay => CursorRules::RELAY,
                Host::FanOut => CursorRules::FAN_OUT,
            },
            too_slow: self.too_slow,
            ping_after: Some(self.ping_after),
            send_buffer: self.send_buffer,
            listing: self.listing.then(|| self.relay_listing()),
            documents: None,
        })
    }

    fn relay_listing(&self) -> ListingSettings {
        let world = self.world(self.first_seq.unwrap_or(1));
        let rate_limit = self.rate_limit.map(|requests| RateLimit { requests, window: self.rate_window });
        ListingSettings { rules: self.list_behaviour.rules(), rate_limit, ..ListingSettings::relay(world) }
    }

    /// What each PDS is set up as.
    pub(crate) fn pds_settings(&self, tls: Option<&Authority>) -> Vec<RelaySettings> {
        let settings = |index| {
            let share = Share { index, of: self.pds };
            let relay = self.relay_listing();
            let listing = ListingSettings { rules: ListingRules::PDS, share, ..relay };
            let listen = SocketAddr::new(self.listen.ip(), 0);
            let (tls, listing) = (tls.cloned(), Some(listing));
            RelaySettings { listen, tls, listing, ..RelaySettings::default() }
        };
        (0..self.pds).map(settings).collect()
    }

    /// Where the directory listens: beside the relay.
    pub(crate) fn directory_address(&self) -> SocketAddr {
        SocketAddr::new(self.listen.ip(), 0)
    }

    /// All there will be, where nothing comes later; a file's frames too.
    fn backlog(&self) -> u64 {
        let all = if self.file.is_some() && !self.looped { u64::MAX } else { self.frames.unwrap_or(0) };
        self.backlog.unwrap_or(if self.rate.is_some() { 0 } else { all })
    }

    fn world(&self, first_seq: u64) -> World {
        let spacing = Duration::from_secs(1) / self.rate.unwrap_or(500).max(1);
        let backlog = u32::try_from(self.backlog()).map_or(Duration::ZERO, |frames| spacing * frames);
        let begin = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(backlog);
        let begin_millis = u64::try_from(begin.as_millis()).unwrap_or(0);
        World::new(WorldSettings {
            seed: self.seed,
            accounts: self.accounts,
            first_seq,
            seq_stride: self.seq_stride,
            mix: match self.mix {
                Mixture::Relay => Mix::default(),
                Mixture::Even => Mix::even(),
                Mixture::Creates => Mix::creates_only(),
            },
            frame_size: self.frame_size.map_or(FrameSize::Lean, FrameSize::Mean),
            epoch_millis: self.epoch.unwrap_or(begin_millis),
            spacing,
        })
    }

    fn ring_of(
        &self,
        frames: impl IntoIterator<Item = Vec<u8>>,
        first_seq: u64,
    ) -> Result<Feed, SimulatorError> {
        let ring = Ring::new(frames, first_seq)?;
        Ok(Feed::Ring(Arc::new(if self.stamp { ring.stamped() } else { ring })))
    }
}
