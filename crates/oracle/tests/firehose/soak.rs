//! A long time with faults all the way: 20 minutes with `STANDPIPE_LONG=1`, else 20 seconds.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use standpipe_oracle::{
    Build, Cut, DaemonProcess, Persistence, Program, Proxy, RedisOptions, RedisServer, StreamWatch, is_long,
    seed,
};
use standpipe_simulator::{Message, Pace, Silence, StreamFault};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::incident::incidents;
use crate::network::{Host, Tally};
use crate::rig::{PATIENCE, STREAM};

/// How many frames a second each of the two hosts sends. Of a hundred frames, 108 entries come on average.
const RATE: u32 = 2_600;
const MARK: u64 = 20_000;
/// What the daemon may use in the end more than in the beginning.
const GROWTH_BYTES: u64 = 4 << 20;

/// What the process holds at one moment.
#[derive(Clone, Copy, Debug)]
struct Held {
    bytes: u64,
    files: u64,
    threads: u64,
    tasks: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    ResetHost,
    HangUpHost,
    CutMessage,
    CloseHost,
    GarbageFromHost,
    SilentHost,
    KillRedis,
    ResetRedis,
    EatReply,
    BlackHole,
    ConsumerRests,
}

const FAULTS: [Fault; 11] = [
    Fault::ResetHost,
    Fault::HangUpHost,
    Fault::CutMessage,
    Fault::CloseHost,
    Fault::GarbageFromHost,
    Fault::SilentHost,
    Fault::KillRedis,
    Fault::ResetRedis,
    Fault::EatReply,
    Fault::BlackHole,
    Fault::ConsumerRests,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_a_long_time_of_faults_loses_nothing_and_leaves_the_daemon_as_it_was() {
    let length = if is_long() { Duration::from_mins(20) } else { Duration::from_secs(20) };
    let seed = seed();
    let mut rng = Rng::with_seed(seed);
    let options = RedisOptions { persistence: Persistence::AppendOnly, ..RedisOptions::default() };
    let mut server = RedisServer::start(options).await.unwrap();
    let to_redis = Proxy::start(server.address()).await.unwrap();
    let frames = u64::from(RATE) * length.as_secs();
    let host = |nth| Host::new(nth, seed, &server, frames, Pace::per_second(RATE));
    let mut hosts = [host(0), host(1)];
    let urls: Vec<_> = hosts.iter().map(|host| host.relay.url()).collect();
    let program = Program::find("firehose", Build::Checks).unwrap();
    let mut daemon = DaemonProcess::new(program.clone())
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", urls.join(","))
        .with("REDIS_URL", format!("redis://{}", to_redis.address()))
        .with("INGESTER_HIGH_WATER_MARK", MARK.to_string())
        .with("STANDPIPE_START", "oldest")
        .with("STANDPIPE_TIMEOUTS__IDLE", "2s")
        .with("STANDPIPE_REDIS__COMMAND_TIMEOUT", "1s");
    let expectations: Vec<_> = hosts.iter().map(|host| Arc::clone(&host.expectation)).collect();
    let mut tally = Tally::new(&expectations);
    let mut stream = StreamWatch::new(server.address(), STREAM, "consumer");
    let begun = Instant::now();
    daemon.start().unwrap();

    let (mut fired, mut held) = (BTreeMap::new(), Vec::new());
    let mut next_fault = begun + Duration::from_secs(2);
    let (mut rests_until, mut black_until, mut told) = (begun, None, begun);
    let mut look = interval(Duration::from_millis(50));
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !hosts.iter().all(Host::is_read) {
        look.tick().await;
        let now = Instant::now();
        if now >= rests_until
            && let Ok(entries) = stream.consume(2_000).await
        {
            for entry in &entries {
                tally.see(entry);
            }
        }
        for host in &mut hosts {
            host.look().await;
        }
        assert!(daemon.is_running().unwrap(), "the daemon ended");
        if black_until.is_some_and(|until| now >= until) {
            to_redis.black_hole(false);
            black_until = None;
        }
        if now.duration_since(told) >= Duration::from_secs(1) {
            told = now;
            held.push(look_at(&daemon).await);
        }
        if now < next_fault || begun.elapsed() > length {
            continue;
        }
        next_fault = now + Duration::from_millis(rng.u64(500..3_000));
        let fault = *rng.choice(&FAULTS).unwrap();
        *fired.entry(fault).or_insert(0_u64) += 1;
        let relay = &rng.choice(&hosts).unwrap().relay;
        let garbage = Message::Binary((0..rng.usize(1..200)).map(|_| rng.u8(..)).collect());
        match fault {
            Fault::ResetHost => _ = relay.disrupt(StreamFault::Reset),
            Fault::HangUpHost => _ = relay.disrupt(StreamFault::HangUp),
            Fault::CutMessage => _ = relay.disrupt(StreamFault::CutMidMessage),
            Fault::CloseHost => {
                _ = relay.disrupt(StreamFault::Close { code: 1001, reason: "restarting".to_owned() });
            }
            Fault::GarbageFromHost => _ = relay.disrupt(StreamFault::Send(garbage)),
            Fault::SilentHost => _ = relay.disrupt(StreamFault::Silence(Silence::HalfOpen, None)),
            Fault::KillRedis => server.restart().await.unwrap(),
            Fault::ResetRedis => to_redis.cut(Cut::Reset),
            Fault::EatReply => to_redis.eat_replies(1, b"EVALSHA"),
            Fault::BlackHole => {
                to_redis.black_hole(true);
                black_until = Some(now + Duration::from_millis(rng.u64(200..2_500)));
            }
            Fault::ConsumerRests => rests_until = now + Duration::from_millis(rng.u64(1_000..5_000)),
        }
    }
    let took = begun.elapsed();
    while let entries @ [_, ..] = &*stream.consume(2_000).await.unwrap() {
        for entry in entries {
            tally.see(entry);
        }
    }
    let rate = tally.seen() / took.as_secs().max(1);
    println!("{took:.0?}, {rate} events a second");
    println!("{fired:?}");
    assert!(!is_long() || fired.len() == FAULTS.len(), "not every fault happened");
    tally.check();
    explained(&program, &daemon);
    let [early, late] = [&held[..held.len() / 4], &held[held.len() * 3 / 4..]].map(median);
    println!("in the first quarter {early:?}\nin the last quarter  {late:?}");
    assert_eq!(daemon.starts(), 1);
    assert!(late.bytes <= early.bytes + GROWTH_BYTES, "memory grew");
    assert!(late.files <= early.files + 2 && late.tasks <= early.tasks + 2, "something is left open");
    assert!(late.threads <= early.threads + 1, "threads are left");

    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), Some(0));
}

/// Every ending has a cause, and as many are in the incident log as in the daemon's lines.
fn explained(program: &Program, daemon: &DaemonProcess) {
    let records = incidents(program, daemon);
    let endings: Vec<_> = records.iter().filter(|record| record["kind"] == "child_ended").collect();
    let mut causes: BTreeMap<String, u64> = BTreeMap::new();
    for ending in &endings {
        let cause = ending["cause"].as_str().unwrap_or_else(|| panic!("no cause: {ending}"));
        assert_eq!(ending["ending"], "lost", "{ending}");
        *causes.entry(cause.chars().take(90).collect()).or_default() += 1;
    }
    println!("{causes:#?}");
    assert_eq!(endings.len(), daemon.log().matches("child ended").count());
}

async fn look_at(daemon: &DaemonProcess) -> Held {
    let pid = daemon.pid().unwrap();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let threads = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap();
    let metrics = daemon.get("/metrics").await.map(|page| page.body).unwrap_or_default();
    let tasks = metrics.lines().find_map(|line| line.strip_prefix("standpipe_tasks "));
    let tasks = tasks.and_then(|line| line.parse().ok());
    Held {
        bytes: daemon.usage().unwrap().resident_bytes,
        files: fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64,
        threads: threads.trim().parse().unwrap(),
        tasks: tasks.unwrap_or_else(|| panic!("no tasks in:\n{metrics}")),
    }
}

fn median(held: &[Held]) -> Held {
    let middle = |of: fn(&Held) -> u64| {
        let mut values: Vec<u64> = held.iter().map(of).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    Held {
        bytes: middle(|held| held.bytes),
        files: middle(|held| held.files),
        threads: middle(|held| held.threads),
        tasks: middle(|held| held.tasks),
    }
}
