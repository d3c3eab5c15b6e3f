use std::time::Duration;

use standpipe_simulator::Pace;
use tokio::time::{sleep, timeout};

use standpipe_oracle::seed;

use crate::rig::{Labeler, PATIENCE, daemon, server};

const LABELERS: u64 = 200;
/// How long is measured. The processor time of a process is told in steps of ten milliseconds.
const MEASURED: Duration = Duration::from_secs(10);
/// How often at most.
const WINDOWS: u32 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_quiet_labelers_cost_next_to_nothing() {
    let seed = seed();
    let server = server().await;
    let new = |nth| Labeler::new(nth, seed, &server, 10, 10, Pace::STILL);
    let mut labelers: Vec<Labeler> = (0..LABELERS).map(new).collect();
    let rest = async |labelers: &mut [Labeler]| {
        let mut daemon = daemon(&*labelers, server.address());
        daemon.start().unwrap();
        for labeler in labelers {
            let all = |connections: &[standpipe_simulator::Connection]| {
                connections.last().is_some_and(|last| last.upgraded && last.ended.is_none())
            };
            timeout(PATIENCE, labeler.host.until(all)).await.unwrap();
            let last = labeler.expectation.last_seq();
            labeler.until("what it has said", |cursor| cursor == last).await;
        }
        daemon.ready().await.unwrap();
        // Rest is what is left when the beginning is over: the quietest of some windows.
        let (mut cpu, mut resident_bytes) = (Duration::MAX, 0);
        for _ in 0..WINDOWS {
            let begun = daemon.usage().unwrap();
            sleep(MEASURED).await;
            let ended = daemon.usage().unwrap();
            cpu = cpu.min(ended.cpu.saturating_sub(begun.cpu));
            resident_bytes = ended.resident_bytes;
            if cpu < MEASURED / 100 {
                break;
            }
        }
        daemon.terminate().unwrap();
        daemon.ended(PATIENCE).await.unwrap();
        (cpu, resident_bytes)
    };
    let (_, of_one) = rest(&mut labelers[..1]).await;
    let (cpu, of_all) = rest(&mut labelers).await;
    let each = of_all.saturating_sub(of_one) / (LABELERS - 1);
    println!(
        "{LABELERS} at rest: {cpu:?} of {MEASURED:?}; {of_one} bytes with one, {of_all} with all, {each} each"
    );
    assert!(cpu < MEASURED / 100, "{cpu:?} of {MEASURED:?}");
    assert!(each < 256 << 10, "{each} bytes each");
}
