use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use standpipe_cursor::{Endpoint, Start};
use standpipe_log_sink::StateFolder;
use standpipe_pipeline::Limits;
use standpipe_projection::{CollectionFilter, DidFilter, FilterError, RepoSettings};
use standpipe_stream_entry::firehose::Profile;
use standpipe_subscription::{Deadlines, UserAgent};
use standpipe_supervisor::OnGiveUp;
use tracing_subscriber::EnvFilter;

use super::backfill::{BackfillPlan, read_backfill};
use super::hosts::read_hosts;
use super::keys;
use super::labels::{IdentityPlan, LabelPlan, read_identity, read_labels};
use super::otlp::read_otlp;
use super::reader::Reader;
use super::sinks::read_sink;
use super::written::{address, count, duration, quoted, size, text, word};
use crate::{Labeler, ReadyLimits};

use super::{Config, Effective, Flaw, OtlpPlan, Problem, SettingsError, SinkPlan};

/// What a daemon does, in values that need no further check.
#[derive(Debug)]
pub struct Plan {
    /// The relays or PDSes, each read on its own; no two with the same name.
    pub hosts: Vec<Endpoint>,
    /// The labelers, likewise.
    pub labelers: Vec<Labeler>,
    /// Where a host begins that was never read.
    pub start: Start,
    /// What happens when a stored cursor is ahead of its host.
    pub on_future_cursor: OnFutureCursor,
    /// What becomes of repository events.
    pub repos: RepoSettings,
    /// What becomes of the signatures of labels.
    pub labels: LabelPlan,
    /// How identities are looked up.
    pub identity: IdentityPlan,
    /// How repos are enumerated.
    pub backfill: BackfillPlan,
    /// Where entries go.
    pub sink: SinkPlan,
    /// What bounds a host's batches and waiting.
    pub limits: Limits,
    /// How long each wait for a host lasts.
    pub deadlines: Deadlines,
    /// Who we say that we are.
    pub user_agent: UserAgent,
    /// The only root certificates to trust; the platform's without.
    pub roots_file: Option<PathBuf>,
    /// The local folder for what must outlive the process.
    pub state: StateFolder,
    /// What is kept of unusable frames.
    pub quarantine: QuarantinePlan,
    /// How many bytes of the incident log are kept.
    pub incidents_bytes: u64,
    /// Where the admin pages are served.
    pub admin: SocketAddr,
    /// What makes the daemon unready besides trouble.
    pub ready: ReadyLimits,
    /// Whether the metrics of the origin ingester are shown too.
    pub origin_names: bool,
    /// How long a stop may take.
    pub grace: Duration,
    /// How often each host gives a sign of life.
    pub heartbeat: Duration,
    /// What happens when a host fails too often by our own doing.
    pub on_give_up: OnGiveUp,
    /// How log lines are written.
    pub log: LogLines,
    /// The settings as they hold, for those who ask.
    pub effective: Effective,
    /// Where telemetry goes; nowhere without.
    pub otlp: Option<OtlpPlan>,
}

/// Which of the lists of hosts a daemon reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// `relay_hosts`.
    Relays,
    /// `labeler_hosts`.
    Labelers,
}

/// What happens when a stored cursor is ahead of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFutureCursor {
    /// The host is held: what is stored is kept, and it is tried again every few minutes.
    Hold,
    /// The host is begun from now on.
    Live,
    /// The host is begun with the oldest that it has.
    Oldest,
}

/// What is kept of unusable frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantinePlan {
    /// How many frames at most.
    pub frames: u64,
    /// How many bytes of them at most.
    pub bytes: u64,
}

/// How log lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLines {
    /// Directives of `tracing_subscriber`'s `EnvFilter`, which understands them.
    pub filter: String,
    /// Their format; by the terminal where it is not said.
    pub format: Option<LogFormat>,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Where a daemon is found: all that those need who only look at one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// Where its admin pages are.
    pub admin: SocketAddr,
    /// Its local folder.
    pub state: StateFolder,
}

impl Whereabouts {
    /// Makes sense of as little as is needed: a daemon without hosts can still be asked how it is.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with what is wrong with these, and with what cannot be read at all.
    pub fn read(config: Config) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(&config);
        let whereabouts = Self { admin: read_admin(&mut reader), state: read_state(&mut reader) };
        sound(whereabouts, reader.finish().1, config)
    }
}

/// Where a daemon's cursors are stored, and where it is found if it runs: all that an operator's word needs.
#[derive(Debug)]
pub struct StorePlan {
    /// Where its admin pages are.
    pub admin: SocketAddr,
    /// Its local folder.
    pub state: StateFolder,
    /// Where its entries go.
    pub sink: SinkPlan,
}

impl StorePlan {
    /// Makes sense of what is needed; the host comes with the word.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with what is wrong with these, and with what cannot be read at all.
    pub fn read(config: Config) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(&config);
        let plan = Self {
            admin: read_admin(&mut reader),
            state: read_state(&mut reader),
            sink: read_sink(&mut reader),
        };
        sound(plan, reader.finish().1, config)
    }
}

/// What was read, if nothing was wrong with it.
fn sound<T>(read: T, found: Vec<Problem>, config: Config) -> Result<T, SettingsError> {
    let mut problems = config.into_problems();
    problems.extend(found);
    if problems.is_empty() { Ok(read) } else { Err(SettingsError { problems }) }
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

impl Plan {
    /// Makes sense of what was written.
    ///
    /// It reads the files that settings name (a password, root certificates), and nothing else.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with everything that is wrong at once.
    pub fn read(config: Config, upstream: Upstream) -> Result<(Self, Effective), SettingsError> {
        let mut reader = Reader::new(&config);
        let plan = Self::read_with(&mut reader, upstream);
        let (effective, found) = reader.finish();
        let effective = effective.in_order();
        sound((Self { effective: effective.clone(), ..plan }, effective), found, config)
    }

    fn read_with(reader: &mut Reader<'_>, upstream: Upstream) -> Self {
        let (hosts, labelers) = read_hosts(reader, upstream);
        let grace = reader.read(keys::GRACE, |value| duration(value, SECOND..=HOUR));
        Self {
            hosts,
            labelers,
            start: read_start(reader, upstream),
            on_future_cursor: reader.read(keys::ON_FUTURE_CURSOR, |value| {
                let meanings = [OnFutureCursor::Hold, OnFutureCursor::Live, OnFutureCursor::Oldest];
                word(value, &["hold", "live", "oldest"], &meanings)
            }),
            repos: read_repos(reader),
            labels: read_labels(reader),
            identity: read_identity(reader),
            backfill: read_backfill(reader),
            sink: read_sink(reader),
            limits: read_limits(reader, grace),
            deadlines: read_deadlines(reader, upstream),
            user_agent: reader
                .read_optional(keys::CONTACT, |value| Ok(UserAgent::with_contact(&text(value)?)?))
                .unwrap_or_else(UserAgent::anonymous),
            roots_file: read_roots_file(reader),
            state: read_state(reader),
            quarantine: QuarantinePlan {
                frames: reader.read(keys::QUARANTINE_FRAMES, |value| count(value, 0..=1_000_000)),
                bytes: reader.read(keys::QUARANTINE_BYTES, |value| size(value, 0..=1 << 40)),
            },
            incidents_bytes: reader.read(keys::INCIDENTS_BYTES, |value| size(value, 64 << 10..=256 << 20)),
            admin: read_admin(reader),
            ready: read_ready(reader),
            origin_names: reader
                .read(keys::METRICS_ORIGIN_NAMES, |value| word(value, &["true", "false"], &[true, false])),
            grace,
            heartbeat: reader.read(keys::HEARTBEAT, |value| duration(value, SECOND..=HOUR * 24)),
            on_give_up: reader.read(keys::ON_GIVE_UP, |value| {
                word(value, &["stay", "exit"], &[OnGiveUp::Stay, OnGiveUp::Exit])
            }),
            log: read_log(reader),
            effective: Effective::default(),
            otlp: read_otlp(reader),
        }
    }
}

fn read_start(reader: &mut Reader<'_>, upstream: Upstream) -> Start {
    let follows = match upstream {
        Upstream::Relays => Start::Live,
        Upstream::Labelers => Start::Oldest,
    };
    let parse = |value: &_| word(value, &["live", "oldest"], &[Start::Live, Start::Oldest]);
    reader.read_or(keys::START, parse, follows, |start| {
        match start {
            Start::Live => "live",
            Start::Oldest => "oldest",
        }
        .to_owned()
    })
}

fn read_repos(reader: &mut Reader<'_>) -> RepoSettings {
    let pattern = |pattern: &str| Ok(CollectionFilter::parse([pattern]).map(|_| pattern.to_owned())?);
    let collections = reader.read_list(keys::COLLECTIONS, pattern);
    if collections.is_empty() && !reader.has_problem_with(keys::COLLECTIONS) {
        reader.refuse(keys::COLLECTIONS, Flaw::Pattern(FilterError::NoCollection));
    }
    let did = |did: &str| Ok(DidFilter::parse([did]).map(|_| did.to_owned())?);
    let dids = reader.read_list(keys::DIDS, did);
    RepoSettings {
        profile: reader.read(keys::ENTRIES, |value| {
            word(value, &["compatible", "full"], &[Profile::Compatible, Profile::Full])
        }),
        // Each was found sound by itself; together they are no less so.
        collections: CollectionFilter::parse(collections.iter().map(String::as_str)).unwrap_or_default(),
        dids: DidFilter::parse(dids.iter().map(String::as_str)).unwrap_or_default(),
        hash_all_blocks: reader
            .read(keys::HASH_BLOCKS, |value| word(value, &["used", "all"], &[false, true])),
    }
}

fn read_limits(reader: &mut Reader<'_>, grace: Duration) -> Limits {
    let within = |least: Duration, most: Duration| move |value: &_| duration(value, least..=most);
    Limits {
        max_entries: to_usize(reader.read(keys::BATCH_ENTRIES, |value| count(value, 1..=10_000))),
        max_bytes: to_usize(reader.read(keys::BATCH_BYTES, |value| size(value, 1 << 10..=64 << 20))),
        linger: reader.read(keys::BATCH_LINGER, within(Duration::from_millis(1), HOUR)),
        park_after: reader.read(keys::BATCH_PARK_AFTER, within(SECOND, HOUR)),
        drain: grace.mul_f32(0.8),
    }
}

fn read_deadlines(reader: &mut Reader<'_>, upstream: Upstream) -> Deadlines {
    let follows = match upstream {
        Upstream::Relays => Deadlines::repos(),
        Upstream::Labelers => Deadlines::labels(),
    };
    let range: RangeInclusive<Duration> = SECOND..=HOUR;
    let seconds = |value: &_| duration(value, range.clone());
    let idle = |value: &_| if text(value)? == "off" { Ok(None) } else { seconds(value).map(Some) };
    Deadlines {
        connect: reader.read(keys::TIMEOUTS_CONNECT, seconds),
        idle: reader.read_or(keys::TIMEOUTS_IDLE, idle, follows.idle, |idle| {
            idle.map_or_else(|| "off".to_owned(), |idle| humantime::format_duration(idle).to_string())
        }),
        ping_every: reader.read(keys::TIMEOUTS_PING_EVERY, seconds),
        pong_within: reader.read(keys::TIMEOUTS_PONG, seconds),
        message_within: reader.read(keys::TIMEOUTS_MESSAGE, seconds),
        park: follows.park,
    }
}

fn read_ready(reader: &mut Reader<'_>) -> ReadyLimits {
    let most = HOUR * 24 * 365;
    let parse = |value: &_| {
        if text(value)? == "off" { Ok(None) } else { duration(value, SECOND..=most).map(Some) }
    };
    ReadyLimits { max_lag: reader.read(keys::READY_MAX_LAG, parse) }
}

fn read_admin(reader: &mut Reader<'_>) -> SocketAddr {
    reader.read(keys::ADMIN_LISTEN, address)
}

fn read_state(reader: &mut Reader<'_>) -> StateFolder {
    StateFolder::new(reader.read(keys::STATE_DIR, text))
}

fn read_roots_file(reader: &mut Reader<'_>) -> Option<PathBuf> {
    reader.read_optional(keys::TLS_ROOTS_FILE, |value| {
        let path = PathBuf::from(text(value)?);
        match std::fs::File::open(&path) {
            Ok(_) => Ok(path),
            Err(source) => Err(Flaw::File { path, source }),
        }
    })
}

fn read_log(reader: &mut Reader<'_>) -> LogLines {
    let parse = |value: &_| word(value, &["human", "json"], &[LogFormat::Human, LogFormat::Json]);
    LogLines {
        filter: reader.read(keys::LOG, |value| {
            let filter = text(value)?;
            match EnvFilter::builder().parse(&filter) {
                Ok(_) => Ok(filter),
                Err(_) => Err(Flaw::Filter { found: quoted(&filter) }),
            }
        }),
        format: reader.read_optional(keys::LOG_FORMAT, parse),
    }
}

/// Bounds keep every such number far below what any machine addresses.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
