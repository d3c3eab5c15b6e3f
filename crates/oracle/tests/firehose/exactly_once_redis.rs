use std::collections::BTreeMap;

use fastrand::Rng;
use standpipe_oracle::{Cut, seed};
use standpipe_simulator::{StreamFault, World, WorldSettings};

use crate::rig::{RedisRig, disrupt};
use crate::simulated::Wanted;

const FRAMES: u64 = 200_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// SIGKILL to the daemon.
    KillDaemon,
    /// The websocket's connection is reset.
    ResetHost,
    /// The websocket's connection ends in good order, without a close frame.
    HangUpHost,
    /// The websocket's connection ends within a message.
    CutMessage,
    /// The host closes the websocket.
    CloseHost,
    /// SIGKILL to Redis, which comes back with its append-only file.
    KillRedis,
    /// The connection to Redis is reset.
    ResetRedis,
    /// The script has run, and its reply is lost with the connection.
    EatReply,
    /// SIGKILL to the daemon after a reply to it was lost.
    EatReplyAndKillDaemon,
}

const PLAN: [(Fault, usize); 9] = [
    (Fault::KillDaemon, 20),
    (Fault::ResetHost, 8),
    (Fault::HangUpHost, 5),
    (Fault::CutMessage, 5),
    (Fault::CloseHost, 4),
    (Fault::KillRedis, 4),
    (Fault::ResetRedis, 4),
    (Fault::EatReply, 6),
    (Fault::EatReplyAndKillDaemon, 3),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_every_event_is_appended_once_through_kills_cuts_restarts_and_lost_replies() {
    let mut rng = Rng::with_seed(seed());
    let world = World::new(WorldSettings { seed: rng.u64(..), ..WorldSettings::default() });
    let mut rig = RedisRig::new(world, FRAMES, Wanted::Everything).await;
    assert!(rig.expectation.entries() >= 200_000, "{} events", rig.expectation.entries());
    let mut faults: Vec<Fault> = PLAN.iter().flat_map(|(fault, times)| vec![*fault; *times]).collect();
    rng.shuffle(&mut faults);

    rig.daemon.start().unwrap();
    let mut fired = BTreeMap::new();
    let (mut length, mut strikes) = (0, faults.len() as u64);
    for fault in faults {
        // Each strikes after new progress, so that the last one is over; how much is parted anew each time, since the
        // daemon goes on meanwhile.
        let step = (rig.expectation.entries() - length) / (strikes + 1);
        strikes -= 1;
        let strike_at = length + rng.u64(step / 4..=step);
        length = rig.until("progress", |sample| sample.length >= strike_at).await.length;
        strike(&mut rig, fault).await;
        *fired.entry(fault).or_insert(0) += 1;
    }
    rig.complete().await;
    let (cuts, redis) = (rig.relay.faults().counts(), rig.to_redis.fired());
    println!("fired: {fired:?}; the relay: {cuts:?}; between the daemon and Redis: {redis:?}");
    assert_eq!(fired.into_iter().collect::<Vec<_>>(), PLAN);
    assert_eq!((cuts.values().sum::<u64>(), redis.eaten, rig.daemon.starts()), (22, 9, 24));
}

/// Lets the fault happen, and returns once it has.
async fn strike(rig: &mut RedisRig, fault: Fault) {
    match fault {
        Fault::KillDaemon => kill_daemon(rig),
        Fault::ResetHost => disrupt(&rig.relay, StreamFault::Reset).await,
        Fault::HangUpHost => disrupt(&rig.relay, StreamFault::HangUp).await,
        Fault::CutMessage => disrupt(&rig.relay, StreamFault::CutMidMessage).await,
        Fault::CloseHost => {
            disrupt(&rig.relay, StreamFault::Close { code: 1001, reason: "restarting".to_owned() }).await;
        }
        Fault::KillRedis => rig.server.restart().await.unwrap(),
        Fault::ResetRedis => {
            let cut = rig.to_redis.fired().cut;
            rig.to_redis.cut(Cut::Reset);
            rig.to_redis.until(|fired| fired.cut > cut).await.unwrap();
        }
        Fault::EatReply => eat_reply(rig).await,
        Fault::EatReplyAndKillDaemon => {
            eat_reply(rig).await;
            kill_daemon(rig);
        }
    }
}

fn kill_daemon(rig: &mut RedisRig) {
    assert!(rig.daemon.kill().unwrap(), "there is no daemon to kill");
    rig.daemon.start().unwrap();
}

async fn eat_reply(rig: &mut RedisRig) {
    let eaten = rig.to_redis.fired().eaten;
    rig.to_redis.eat_replies(1, b"EVALSHA");
    rig.to_redis.until(|fired| fired.eaten > eaten).await.unwrap();
}
