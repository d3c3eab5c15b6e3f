use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::{RedisAddress, SettingsError};

/// Where entries go, and within which bounds.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// The server.
    pub address: RedisAddress,
    /// How TLS connections are verified; `None` trusts the platform's roots, through ring. Only used with `rediss`.
    pub tls: Option<Arc<ClientConfig>>,
    /// The stream that entries are appended to, such as `firehose_live`.
    pub stream: String,
    /// The one field of each entry, such as `event`.
    pub field: String,
    /// When delivery waits for consumers.
    pub marks: Marks,
    /// How long to wait for the server.
    pub deadlines: Deadlines,
}

impl RedisSettings {
    /// Settings with the default marks and deadlines, and with the platform's roots.
    #[must_use]
    pub fn new(address: RedisAddress, stream: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            address,
            tls: None,
            stream: stream.into(),
            field: field.into(),
            marks: Marks::default(),
            deadlines: Deadlines::default(),
        }
    }
}

/// The stream lengths at which delivery stops and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    high: NonZeroU64,
    low: u64,
}

impl Marks {
    /// Stops at this length, and goes on at 90 % of it.
    #[must_use]
    pub fn at(high: NonZeroU64) -> Self {
        let low = u64::try_from(u128::from(high.get()) * 9 / 10).unwrap_or_default();
        Self { high, low }
    }

    /// Goes on at this length.
    ///
    /// # Errors
    ///
    /// [`SettingsError::LowWater`] when that is not below the high-water mark.
    pub fn with_low(self, low: u64) -> Result<Self, SettingsError> {
        if low >= self.high.get() {
            return Err(SettingsError::LowWater { low, high: self.high.get() });
        }
        Ok(Self { low, ..self })
    }

    /// The length at which a batch with entries is refused.
    #[must_use]
    pub fn high(self) -> u64 {
        self.high.get()
    }

    /// The length at which a refused batch is tried again.
    #[must_use]
    pub fn low(self) -> u64 {
        self.low
    }
}

impl Default for Marks {
    /// 100,000 and 90,000, as existing deployments know it.
    fn default() -> Self {
        const HIGH: NonZeroU64 = NonZeroU64::new(100_000).unwrap();
        Self::at(HIGH)
    }
}

/// How long to wait for the server before a connection is given up and built anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For connecting, TLS and login, each. Default 3 s.
    pub connect: Duration,
    /// For a command, from being sent to its reply, whatever happens. Default 10 s.
    pub command: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), command: Duration::from_secs(10) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(high: u64) -> Marks {
        Marks::at(NonZeroU64::new(high).unwrap())
    }

    #[test]
    fn the_low_water_mark_is_nine_tenths_of_the_high_one_unless_it_is_set() {
        for (high, low) in [(1, 0), (10, 9), (100_000, 90_000), (u64::MAX, u64::MAX / 10 * 9 + 4)] {
            assert_eq!((marks(high).high(), marks(high).low()), (high, low));
        }
        assert_eq!(marks(10).with_low(3).unwrap().low(), 3);
        assert!(matches!(marks(10).with_low(10), Err(SettingsError::LowWater { .. })));
    }
}
