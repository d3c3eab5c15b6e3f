//! A daemon that sends its telemetry, straight to the receiver or through a real collector.

use standpipe_oracle::{Collector, seed};
use standpipe_simulator::{World, WorldSettings};

use crate::receiver::Receiver;
use crate::rig::RedisRig;
use crate::simulated::Wanted;

pub(crate) struct Way {
    collector: Option<Collector>,
    pub(crate) receiver: Receiver,
}

impl Way {
    pub(crate) async fn straight() -> Self {
        Self { collector: None, receiver: Receiver::start(None).await }
    }

    /// `None` where there is no collector, and says so.
    pub(crate) async fn through_a_collector() -> Option<Self> {
        let receiver = Receiver::start(None).await;
        let collector = Collector::start(&receiver.url()).await.unwrap();
        if collector.is_none() {
            println!("skipped: STANDPIPE_COLLECTOR names no collector; `cargo xtask test` fetches one");
        }
        collector.map(|collector| Self { collector: Some(collector), receiver })
    }

    /// Where the daemon sends to.
    pub(crate) fn url(&self) -> String {
        self.collector.as_ref().map_or_else(|| self.receiver.url(), Collector::url)
    }

    pub(crate) async fn kill(&mut self) {
        match &mut self.collector {
            Some(collector) => collector.kill().unwrap(),
            None => self.receiver.kill().await,
        }
    }

    pub(crate) async fn restart(&mut self) {
        match &mut self.collector {
            Some(collector) => collector.restart().await.unwrap(),
            None => self.receiver.restart().await,
        }
    }
}

/// A rig whose daemon sends to this address, with metrics often enough for a test.
pub(crate) async fn rig(frames: u64, url: &str) -> RedisRig {
    let world = World::new(WorldSettings { seed: seed(), ..WorldSettings::default() });
    let mut rig = RedisRig::new(world, frames, Wanted::Compatible).await;
    rig.daemon.set("STANDPIPE_OTLP__ENDPOINT", url);
    rig.daemon.set("STANDPIPE_OTLP__METRICS_EVERY", "200ms");
    rig.daemon.set("STANDPIPE_OTLP__TIMEOUT", "2s");
    rig
}
