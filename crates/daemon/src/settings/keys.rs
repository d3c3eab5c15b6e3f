/// One setting: its key in the file, and what is told of it.
///
/// The variable and the flag follow from the path: `batch.entries` is `STANDPIPE_BATCH__ENTRIES` and
/// `--batch-entries`.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// The key in `standpipe.toml`, with a dot before what is inside a table.
    pub path: &'static str,
    /// The variable that the origin ingester had for it, or the one that the OpenTelemetry specification names.
    pub origin: Option<&'static str>,
    /// What holds without a word.
    pub default: Preset,
    /// What kind of value it takes, for the command line's help: `COUNT`, `SIZE`, `DURATION` and the like.
    pub takes: &'static str,
    /// What it means, in one or two sentences.
    pub meaning: &'static str,
}

/// What holds when a setting is written nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// This value, written as in the environment.
    Is(&'static str),
    /// A value that follows from other settings.
    Follows(&'static str),
    /// Nothing.
    Absent,
}

impl Key {
    const fn new(path: &'static str, default: Preset, takes: &'static str, meaning: &'static str) -> Self {
        Self { path, origin: None, default, takes, meaning }
    }

    const fn origin(self, variable: &'static str) -> Self {
        Self { origin: Some(variable), ..self }
    }

    /// The environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{}{}", super::VARIABLE_PREFIX, self.path.replace('.', "__").to_ascii_uppercase())
    }

    /// The flag, without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }

    /// Whether the value may hold a password, and is shown with a mask only.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.path == REDIS_URL.path || self.path == OTLP_HEADERS.path
    }
}

use Preset::{Absent, Follows, Is};

macro_rules! keys {
    ($($name:ident = $key:expr;)*) => {
        $(pub(super) const $name: &Key = &$key;)*

        /// Every setting, in the order of the documentation.
        pub const KEYS: &[&Key] = &[$($name),*];
    };
}

keys! {
    RELAY_HOSTS = Key::new("relay_hosts", Absent, "HOSTS", "The relays (or PDSes) that `firehose` subscribes to, each on its own: `bsky.network`, `https://bsky.network/`, `ws://127.0.0.1:7777`. Plain text only where `ws` or `http` is written.").origin("INGESTER_RELAY_HOSTS");
    HOSTS_FILE = Key::new("hosts_file", Absent, "FILE", "A file with further relays or PDSes, one a line, for lists that are too long for `relay_hosts`; what follows a `#` does not count. Read once, at start.");
    LABELER_HOSTS = Key::new("labeler_hosts", Absent, "HOSTS", "The labelers that `labeler` subscribes to, written likewise, or as a DID (`did:plc:…`, `did:web:…`), which is followed wherever the labeler moves. Every daemon checks both lists, so that all can share one file.").origin("INGESTER_LABELER_HOSTS");
    START = Key::new("start", Follows("`live` for relays, `oldest` for labelers"), "live|oldest", "Where a host is begun that was never read: with what comes from now on, or with the oldest that it still has. What is stored always wins.");
    ON_FUTURE_CURSOR = Key::new("on_future_cursor", Is("hold"), "hold|live|oldest", "What happens when a stored cursor is ahead of its host: `hold` keeps it, tells, and tries again every five minutes; `live` and `oldest` begin the host there, which loses or repeats events.");
    COLLECTIONS = Key::new("collections", Is("app.bsky.*,chat.bsky.*"), "PATTERNS", "Records of which collections become entries: exact NSIDs, prefixes like `app.bsky.*`, or `*` for all.");
    DIDS = Key::new("dids", Absent, "DIDS", "Whose events become entries. Everybody's when none is named.");
    ENTRIES = Key::new("entries", Is("compatible"), "compatible|full", "Which entries are written: what the existing indexer takes, or also `sync` entries and every account status as the host words it.");
    HASH_BLOCKS = Key::new("hash_blocks", Is("used"), "used|all", "Which blocks of a commit have their hash checked: those that are used, or every one at about ten times the cost.");
    LABELER_VERIFY = Key::new("labeler.verify", Is("mark"), "off|mark|enforce", "Whether the signatures of labels are verified: `off` looks at none, `mark` writes with each label what was found, `enforce` also drops the labels that it speaks against.");
    LABELER_OLDER_THAN_KEY = Key::new("labeler.older_than_key", Is("failed"), "failed|unverified", "What a label is called that its issuer's key does not verify, and that says it was made before this process first saw that key. It may be of a key before, or forged.");
    LABELER_VERIFY_WITHIN = Key::new("labeler.verify_within", Is("5s"), "DURATION", "The longest that a frame waits for the keys of its labels' issuers; while as much waits as may, one second at most. After that its labels are `unverified`.");
    LABELER_VERIFY_FRAMES = Key::new("labeler.verify_frames", Is("1024"), "COUNT", "How many frames of each labeler wait for that at most; then the labeler goes unread.");
    LABELER_VERIFY_BYTES = Key::new("labeler.verify_bytes", Is("16MiB"), "SIZE", "How many bytes of them.");
    IDENTITY_DIRECTORY = Key::new("identity.directory", Is("plc.directory"), "HOST", "The directory where `did:plc` is looked up, written as hosts are.");
    IDENTITY_REFRESH = Key::new("identity.refresh", Is("1h"), "DURATION", "How long what was found of an identity holds before it is looked at again: its keys, and where a labeler is that is named by its DID.");
    IDENTITY_REMEMBERED = Key::new("identity.remembered", Is("250000"), "COUNT", "How many identities are remembered, at less than 2 KB each; those that were not used for longest leave.");
    IDENTITY_PRIVATE_NETWORK = Key::new("identity.private_network", Is("false"), "true|false", "Whether the hosts that identities name may be at private addresses, and without TLS: only for a network that is private as a whole, since strangers choose them.");
    BACKFILL_MODE = Key::new("backfill.mode", Is("relay"), "relay|hosts", "Whose lists are read: those of the hosts that the settings name, or (`hosts`) those of all hosts that these list in turn, each under its own cursor. In mode `hosts` the settings name relays, and their own lists of repos are not read.");
    BACKFILL_HOSTS_INTERVAL = Key::new("backfill.hosts_interval", Is("1h"), "DURATION|off", "With `hosts`: how often a relay is asked for its hosts again; those that are new are read from then on.");
    BACKFILL_HOSTS_AT_MOST = Key::new("backfill.hosts_at_most", Is("20000"), "COUNT", "With `hosts`: how many hosts are read at most, since strangers name them; what is listed beyond is counted and told.");
    BACKFILL_SKIP_HOSTS = Key::new("backfill.skip_hosts", Absent, "STATUSES", "With `hosts`: the hosts of which status are left alone, as the relay words it: `idle`, `offline`, `throttled`. Those that it calls `banned` always are.");
    BACKFILL_COLLECTION = Key::new("backfill.collection", Absent, "NSID", "Only repos with records of this collection, from hosts that have `listReposByCollection`. It has cursors of its own. Not in mode `hosts`.");
    BACKFILL_HOSTS_AT_ONCE = Key::new("backfill.hosts_at_once", Follows("`16`, in mode `hosts` `64`"), "COUNT", "How many hosts are asked at the same time; the others wait for their turn. Of each host only one page is asked for at a time.");
    BACKFILL_PAGE_LIMIT = Key::new("backfill.page_limit", Is("1000"), "COUNT", "How many repos `backfill` asks for at a time, from 2 to 2000; at most what the host's method takes.");
    BACKFILL_STANDINGS = Key::new("backfill.standings", Absent, "STANDINGS", "Repos of which standing become entries: `active`, `takendown`, `suspended`, `deleted`, `deactivated`, `desynchronized`, `throttled`, or `inactive` for any other. All when none is named.");
    BACKFILL_ANNOUNCE_ONCE = Key::new("backfill.announce_once", Is("off"), "COUNT|off", "Whether a repo that several hosts list becomes one entry a run of the process; the number is how many repos are remembered for that, at about 40 bytes each. What is forgotten beyond it, or with the process, is announced again by the next host that lists it, and never lost.");
    BACKFILL_GAPS = Key::new("backfill.gaps", Is("hold"), "hold|skip-row", "What happens when a host cannot serve a page because of a row in it: `hold` keeps the cursor before it, tells, and tries again every five minutes; `skip-row` goes past exactly the rows that cannot be had, where the cursor is a number, and tells the gap.");
    BACKFILL_SKIP_AT_MOST = Key::new("backfill.skip_at_most", Is("1000"), "COUNT", "With `skip-row`: how many numbers are tried behind a page that fails, before the host is held all the same.");
    BACKFILL_GAPS_AGAIN = Key::new("backfill.gaps_again", Is("1h"), "DURATION|off", "How long after a range was left out, or asked for in vain, a host is asked for it again.");
    BACKFILL_INTERVAL = Key::new("backfill.interval", Is("5m"), "DURATION|off", "How often a host whose enumeration is done is asked for repos that are new. With `off`, and `backfill.again` off too, the daemon leaves when all hosts are done.");
    BACKFILL_AGAIN = Key::new("backfill.again", Is("off"), "DURATION|off", "How long after the end of a whole enumeration the next one begins, which gives every repo again.");
    SINK = Key::new("sink", Follows("`redis` with a Redis URL, else `log`"), "redis|log|stdout", "Where entries go: Redis Streams, the embedded log in the state folder, or JSON lines on standard output (logs then go to standard error).");
    STATE_DIR = Key::new("state_dir", Is("standpipe-state"), "FOLDER", "The local folder for what must outlive the process: embedded log, file cursors, quarantine. Created when it is missing.");
    CONTACT = Key::new("contact", Absent, "URL|MAIL", "Whom a host's operator can write to, told in the User-Agent: a URL or `mailto:` address.");
    REDIS_URL = Key::new("redis.url", Absent, "URL", "The Redis server: `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. Never shown with its password.").origin("REDIS_URL");
    REDIS_USER = Key::new("redis.user", Absent, "NAME", "The ACL user, in place of one in the URL.");
    REDIS_PASSWORD_FILE = Key::new("redis.password_file", Absent, "FILE", "A file that holds the password, in place of one in the URL; a line break at its end does not count. Read once, at start.");
    REDIS_HIGH_WATER = Key::new("redis.high_water", Is("100000"), "COUNT", "The length of the stream at which delivery waits. The stream never exceeds it by more than one batch.").origin("INGESTER_HIGH_WATER_MARK");
    REDIS_LOW_WATER = Key::new("redis.low_water", Follows("90 % of `redis.high_water`"), "COUNT", "The length at which delivery goes on after it had to wait.");
    REDIS_COMMAND_TIMEOUT = Key::new("redis.command_timeout", Is("10s"), "DURATION", "The longest that one command waits for its answer before the connection is made anew.");
    EMBEDDED_LOG_RETENTION = Key::new("embedded_log.retention", Is("4GiB"), "SIZE", "How much of each stream the embedded log keeps. The oldest entries leave, read or not; what leaves unread is counted and said.");
    EMBEDDED_LOG_READERS = Key::new("embedded_log.readers", Absent, "NAMES", "The readers that the embedded log waits for: with them named, an entry leaves once each has acknowledged it, and `embedded_log.retention` does not count.");
    EMBEDDED_LOG_HIGH_WATER = Key::new("embedded_log.high_water", Is("100000"), "COUNT", "With readers named: unacknowledged entries at which delivery waits.");
    EMBEDDED_LOG_LOW_WATER = Key::new("embedded_log.low_water", Follows("90 % of `embedded_log.high_water`"), "COUNT", "With readers named: unacknowledged entries at which delivery goes on.");
    BATCH_ENTRIES = Key::new("batch.entries", Is("500"), "COUNT", "Entries at which a batch takes no further frame.").origin("INGESTER_BATCH_SIZE");
    BATCH_BYTES = Key::new("batch.bytes", Is("1MiB"), "SIZE", "Bytes at which a batch takes no further frame. Two batches a host bound the memory.");
    BATCH_LINGER = Key::new("batch.linger", Is("1s"), "DURATION", "The longest that a cursor which moved without entries waits to be stored. Entries do not wait.").origin("INGESTER_BATCH_TIMEOUT_MS");
    BATCH_PARK_AFTER = Key::new("batch.park_after", Is("20s"), "DURATION", "How long a host goes unread, because the sink takes nothing, before its connection is given back.");
    TIMEOUTS_CONNECT = Key::new("timeouts.connect", Is("10s"), "DURATION", "For everything before a host's first message: name, TCP, TLS and upgrade together.");
    TIMEOUTS_IDLE = Key::new("timeouts.idle", Follows("`75s` for relays, `off` for labelers"), "DURATION|off", "The longest silence of a connected host before it counts as dead.");
    TIMEOUTS_PING_EVERY = Key::new("timeouts.ping_every", Is("30s"), "DURATION", "From one ping of ours to the next.");
    TIMEOUTS_PONG = Key::new("timeouts.pong", Is("20s"), "DURATION", "The longest that nothing at all arrives after a ping.");
    TIMEOUTS_MESSAGE = Key::new("timeouts.message", Is("30s"), "DURATION", "The longest that one message takes from its first byte to its last.");
    TLS_ROOTS_FILE = Key::new("tls.roots_file", Absent, "FILE", "A PEM file with the only root certificates that hosts are verified with, in place of the platform's.");
    ADMIN_LISTEN = Key::new("admin.listen", Is("127.0.0.1:4100"), "ADDRESS:PORT", "Where the status page (`/`), `/healthz`, `/readyz`, `/status` and `/metrics` are served. The origin's METRICS_PORT listens on every interface: `0.0.0.0:PORT`.").origin("METRICS_PORT");
    READY_MAX_LAG = Key::new("ready.max_lag", Is("off"), "DURATION|off", "The oldest that the last event of a host may be, by its own time, before `/readyz` says no. Off unless set: a catch-up after a pause is no fault.");
    METRICS_ORIGIN_NAMES = Key::new("metrics.origin_names", Is("false"), "true|false", "Whether `/metrics` also shows the metrics of the origin ingester, by their names (`ingester_…`), for dashboards that were made for it.");
    GRACE = Key::new("grace", Is("10s"), "DURATION", "How long a stop may take: reading ends at once, what is open is delivered.");
    HEARTBEAT = Key::new("heartbeat", Is("1m"), "DURATION", "How often each host gives a sign of life in the log.");
    ON_GIVE_UP = Key::new("on_give_up", Is("stay"), "stay|exit", "What happens when a host fails too often by our own doing: go on at the slowest pace and be unready, or leave with exit code 70.");
    QUARANTINE_FRAMES = Key::new("quarantine.frames", Is("1000"), "COUNT", "How many unusable frames are kept under the state folder; the oldest leave. 0: none.");
    QUARANTINE_BYTES = Key::new("quarantine.bytes", Is("64MiB"), "SIZE", "How many bytes of them are kept.");
    INCIDENTS_BYTES = Key::new("incidents.bytes", Is("8MiB"), "SIZE", "How many bytes of the incident log are kept under the state folder; the oldest leave.");
    LOG = Key::new("log", Is("info,fred=error"), "FILTER", "Which log lines are written: a level, or directives like `info,standpipe_redis_sink=debug`. What the Redis client warns of is told by the sink in its own words.");
    LOG_FORMAT = Key::new("log_format", Follows("`human` on a terminal, else `json`"), "human|json", "How log lines are written. On a terminal they are colored, unless `NO_COLOR` is set or `TERM` is `dumb`.");
    OTLP_ENDPOINT = Key::new("otlp.endpoint", Absent, "URL", "The OpenTelemetry collector that traces, metrics and logs are sent to, such as `http://127.0.0.1:4318`. Nothing is sent without it.").origin("OTEL_EXPORTER_OTLP_ENDPOINT");
    OTLP_DISABLED = Key::new("otlp.disabled", Is("false"), "true|false", "Whether nothing is sent although an endpoint is set.").origin("OTEL_SDK_DISABLED");
    OTLP_PROTOCOL = Key::new("otlp.protocol", Is("http/protobuf"), "PROTOCOL", "How the collector is spoken to. Only `http/protobuf` is there.").origin("OTEL_EXPORTER_OTLP_PROTOCOL");
    OTLP_SIGNALS = Key::new("otlp.signals", Is("traces,metrics,logs"), "SIGNALS", "What is sent to the collector.");
    OTLP_SAMPLE = Key::new("otlp.sample", Is("1.0"), "RATIO", "The part of the traces that is kept, from 0.0 to 1.0. A trace is kept or left as a whole.");
    OTLP_HEADERS = Key::new("otlp.headers", Absent, "NAME=VALUE,…", "Headers of each request to the collector; values percent-encoded where they hold commas. Shown by name only.").origin("OTEL_EXPORTER_OTLP_HEADERS");
    OTLP_HEADERS_FILE = Key::new("otlp.headers_file", Absent, "FILE", "A file with such headers, one `Name: value` a line, over those of `otlp.headers`. Read once, at start.");
    OTLP_SERVICE_NAME = Key::new("otlp.service_name", Follows("`standpipe-` and the daemon's name"), "NAME", "What the daemon is called there (`service.name`).").origin("OTEL_SERVICE_NAME");
    OTLP_RESOURCE = Key::new("otlp.resource", Absent, "NAME=VALUE,…", "Further attributes of all that is sent, over those of `OTEL_RESOURCE_ATTRIBUTES`, which is read too.");
    OTLP_TIMEOUT = Key::new("otlp.timeout", Is("10s"), "DURATION", "The longest that one request to the collector takes. The standard variable counts in milliseconds.").origin("OTEL_EXPORTER_OTLP_TIMEOUT");
    OTLP_METRICS_EVERY = Key::new("otlp.metrics_every", Is("1m"), "DURATION", "From one sending of the metrics to the next. The standard variable counts in milliseconds.").origin("OTEL_METRIC_EXPORT_INTERVAL");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_settings_share_a_name_anywhere() {
        let mut names = HashSet::new();
        for key in KEYS {
            assert!(names.insert(key.variable()), "{}", key.path);
            assert!(names.insert(key.flag()), "{}", key.path);
            assert!(key.origin.is_none_or(|origin| names.insert(origin.to_owned())), "{}", key.path);
        }
    }
}
