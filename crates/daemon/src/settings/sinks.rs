use std::fs;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use standpipe_log_sink::{Block, ReaderName, Retention};
use standpipe_redis_sink::{Deadlines, Marks, Password, RedisAddress};

use super::keys;
use super::reader::Reader;
use super::written::{count, duration, size, text, word};
use super::{Flaw, Key};

/// Where entries go.
#[derive(Debug)]
pub enum SinkPlan {
    /// Redis Streams.
    Redis(RedisPlan),
    /// The embedded log in the state folder.
    Log(Retention),
    /// JSON lines on standard output.
    Stdout,
}

/// A Redis server, and what bounds our use of it.
#[derive(Debug)]
pub struct RedisPlan {
    /// The server, with user and password.
    pub address: RedisAddress,
    /// When delivery waits for consumers.
    pub marks: Marks,
    /// How long to wait for the server.
    pub deadlines: Deadlines,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Redis,
    Log,
    Stdout,
}

/// Reads the settings of all sinks, so that a flaw in one that is not used is told too.
pub(super) fn read_sink(reader: &mut Reader<'_>) -> SinkPlan {
    let address = read_address(reader);
    let follows = if address.is_some() { Kind::Redis } else { Kind::Log };
    let parse = |value: &_| word(value, &["redis", "log", "stdout"], &[Kind::Redis, Kind::Log, Kind::Stdout]);
    let kind = reader.read_or(keys::SINK, parse, follows, |kind| {
        match kind {
            Kind::Redis => "redis",
            Kind::Log => "log",
            Kind::Stdout => "stdout",
        }
        .to_owned()
    });
    let (marks, deadlines) = (read_marks(reader), read_redis_deadlines(reader));
    let retention = read_retention(reader);
    match (kind, address) {
        (Kind::Redis, Some(address)) => SinkPlan::Redis(RedisPlan { address, marks, deadlines }),
        (Kind::Redis, None) => {
            if !reader.has_problem_with(keys::REDIS_URL) {
                reader.refuse(keys::REDIS_URL, Flaw::Missing { because: " by the sink redis" });
            }
            SinkPlan::Stdout
        }
        (Kind::Log, _) => SinkPlan::Log(retention),
        (Kind::Stdout, _) => SinkPlan::Stdout,
    }
}

fn read_address(reader: &mut Reader<'_>) -> Option<RedisAddress> {
    let address = reader.read_optional(keys::REDIS_URL, |value| Ok(text(value)?.parse::<RedisAddress>()?));
    let user = reader.read_optional(keys::REDIS_USER, text);
    let password = reader.read_optional(keys::REDIS_PASSWORD_FILE, |value| {
        let path = PathBuf::from(text(value)?);
        match fs::read_to_string(&path) {
            Ok(password) => Ok(Password::new(password.trim_end_matches(['\n', '\r']))),
            Err(source) => Err(Flaw::File { path, source }),
        }
    });
    let mut address = address?;
    if let Some(user) = user {
        address = address.with_user(user);
    }
    if let Some(password) = password {
        address = address.with_password(password);
    }
    Some(address)
}

fn read_marks(reader: &mut Reader<'_>) -> Marks {
    let high = read_nonzero(reader, keys::REDIS_HIGH_WATER);
    let marks = Marks::at(high);
    let low = reader.read_or(keys::REDIS_LOW_WATER, any_count, marks.low(), u64::to_string);
    marks.with_low(low).unwrap_or_else(|_| {
        reader.refuse(keys::REDIS_LOW_WATER, Flaw::LowWater { low, high: high.get() });
        marks
    })
}

fn read_redis_deadlines(reader: &mut Reader<'_>) -> Deadlines {
    let defaults = Deadlines::default();
    let command = reader.read(keys::REDIS_COMMAND_TIMEOUT, |value| {
        duration(value, Duration::from_millis(100)..=Duration::from_mins(10))
    });
    Deadlines { command, ..defaults }
}

fn read_retention(reader: &mut Reader<'_>) -> Retention {
    let bytes = reader.read(keys::EMBEDDED_LOG_RETENTION, |value| size(value, 1 << 20..=u64::MAX));
    let keep = Retention::Keep { bytes: NonZeroU64::new(bytes).unwrap_or(Retention::KEEP_BYTES) };
    let readers = reader.read_list(keys::EMBEDDED_LOG_READERS, |name| Ok(name.parse::<ReaderName>()?));
    let high = read_nonzero(reader, keys::EMBEDDED_LOG_HIGH_WATER);
    let low = reader.read_optional(keys::EMBEDDED_LOG_LOW_WATER, any_count);
    let Ok(block) = Block::new(high, readers) else { return keep };
    let Some(low) = low else {
        reader.follows(keys::EMBEDDED_LOG_LOW_WATER, block.low_water().to_string());
        return Retention::Block(block);
    };
    block.with_low_water(low).map_or_else(
        |_| {
            reader.refuse(keys::EMBEDDED_LOG_LOW_WATER, Flaw::LowWater { low, high: high.get() });
            keep
        },
        Retention::Block,
    )
}

fn read_nonzero(reader: &mut Reader<'_>, key: &'static Key) -> NonZeroU64 {
    let number = reader.read(key, |value| count(value, 1..=u64::MAX));
    NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN)
}

fn any_count(value: &figment::value::Value) -> Result<u64, Flaw> {
    count(value, 0..=u64::MAX)
}
